"""Parts of queries for the columns of a table, over pg_attribute."""

# A recursive table `base` with a column's type, and in its last row that without domains.
BASE_TYPES = """
    WITH RECURSIVE base (oid, modifier, depth) AS (
        SELECT atttypid, atttypmod, 0
        UNION ALL
        SELECT typbasetype, CASE WHEN modifier = -1 THEN typtypmod ELSE modifier END, depth + 1
        FROM base JOIN pg_type ON pg_type.oid = base.oid WHERE typtype = 'd')
"""
# Joins `position`, a column's place in the primary key; NULL for others and for those that the
# key's index only includes.
KEY_POSITIONS = """
LEFT JOIN (SELECT indrelid, attnum, position FROM pg_index
        CROSS JOIN LATERAL unnest(indkey::int2[]) WITH ORDINALITY AS part (attnum, position)
        WHERE indisprimary AND position <= indnkeyatts) AS keys
    ON keys.indrelid = attrelid AND keys.attnum = pg_attribute.attnum
"""
