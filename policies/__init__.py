"""The policy pack: what the stack may use and what it must never do, checked before it happens.

Each module holds one subject. Its rules are pure functions over plain resources
(`policies.resource`) and yield findings (`policies.finding`); `policies.pack` lists the policies
and `policies.policy` hands them to Pulumi. The pack imports nothing of the program that it judges.
"""
