"""The generated parts of the documents, and a hook of the docs site.

The Markdown files call these modules in cog blocks, which `make docs` updates and `make lint`
checks.
"""
