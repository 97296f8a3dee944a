"""The policy pack: limits and security rules for a stack, checked before anything is created.

Each module has one subject. Its rules are pure functions over plain resources
(`policies.resource`) and yield findings (`policies.finding`); `policies.pack` lists the policies
and `policies.policy` adapts them to Pulumi. The pack imports nothing from the program it judges.
"""
