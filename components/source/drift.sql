-- What of the database no longer fits the stack: parts of a WITH clause, of which `drifted` is the
-- result. captured, recorded and refused come before.
--
-- Variables: replica_identity (FULL or DEFAULT) and account, that of change data capture.

-- The entries of recorded.sql as they would be now.
live AS (
    SELECT name, publication, relation, pg_publication.oid AS publication_oid,
        pg_publication_rel.oid AS membership,
        -- As JSON, since PostgreSQL has no such columns before 15.
        to_jsonb(pg_publication_rel) ->> 'prqual' AS prqual,
        to_jsonb(pg_publication_rel) ->> 'prattrs' AS prattrs, jsonb_build_object(
            'table', relation::oid::bigint,
            'membership', pg_publication_rel.oid::bigint,
            'publication', pg_publication.oid::text || '/' || pg_publication.xmin::text,
            'key', (SELECT to_jsonb(indkey::int2[]) FROM pg_index
                WHERE indrelid = relation AND indisprimary),
            -- A table's name and schema are in its row type too, which little else changes but its owner.
            'named', (SELECT pg_type.xmin::text || '/' || typowner FROM pg_type
                WHERE typrelid = relation),
            'partitions', (SELECT coalesce(jsonb_object_agg(relid::oid, relid), '{}')
                FROM pg_partition_tree(relation) WHERE relid <> relation)) AS entry
    FROM captured LEFT JOIN pg_publication ON pubname = publication
        LEFT JOIN pg_publication_rel ON prpubid = pg_publication.oid AND prrelid = relation
    WHERE relation IS NOT NULL AND name NOT IN (SELECT refused.name FROM refused
        WHERE refused.name IS NOT NULL)
),

-- The partitions at any depth that the archive has no entry of, and those that it has and are gone.
-- One that CREATE TABLE … PARTITION OF created was empty when it joined, and its rows are captured:
-- the same transaction wrote its columns and its place in the tree.
attached AS (
    SELECT live.name, relid AS member
    FROM live JOIN recorded ON pubname = publication AND recorded.name = live.name
        CROSS JOIN LATERAL pg_partition_tree(live.relation)
        JOIN pg_inherits ON inhrelid = relid
        JOIN pg_attribute ON attrelid = relid AND attname = 'tableoid'
    WHERE relid <> live.relation AND pg_inherits.xmin <> pg_attribute.xmin
        AND NOT recorded.entry -> 'partitions' ? relid::oid::text
        AND (SELECT sum(pg_relation_size(part.relid)) FROM pg_partition_tree(relid) AS part) > 0
),

gone AS (
    SELECT live.name, member.value AS member
    FROM live JOIN recorded ON pubname = publication AND recorded.name = live.name
        CROSS JOIN LATERAL jsonb_each_text(recorded.entry -> 'partitions') AS member
    WHERE NOT live.entry -> 'partitions' ? member.key
),

drifted (name, priority, kind, reason) AS (
    -- Debezium's task fails, so nothing passes it by.
    SELECT name, 1, 'changed', format('publication %I does not exist', publication)
    FROM live WHERE publication_oid IS NULL

    UNION ALL
    SELECT live.name, 2, 'missed', format('it is not the table that was captured, which %s; its rows'
            ' are not in the archive', coalesce('is now ' || (SELECT oid::regclass::text FROM pg_class
                WHERE oid = (recorded.entry ->> 'table')::oid), 'was dropped'))
    FROM live JOIN recorded ON pubname = publication AND recorded.name = live.name
    WHERE recorded.entry ->> 'table' <> live.entry ->> 'table'

    UNION ALL
    SELECT name, 3, 'missed', format('it is not in the publication %I, and its changes are not'
            ' captured', publication)
    FROM live WHERE membership IS NULL

    UNION ALL
    SELECT name, 4, 'missed', format('the publication %I has %s for it, and what that leaves out is'
            ' not captured', publication,
            CASE WHEN prqual IS NULL THEN 'a list of columns' ELSE 'a row filter' END)
    FROM live WHERE prqual IS NOT NULL OR prattrs IS NOT NULL

    UNION ALL
    SELECT name, 5, 'missed', format('the publication %I leaves out operations or changes of'
            ' partitions', publication)
    FROM live JOIN pg_publication ON oid = publication_oid
    WHERE NOT (pubinsert AND pubupdate AND pubdelete AND pubtruncate
        -- PostgreSQL 12 has no such column.
        AND coalesce((to_jsonb(pg_publication) ->> 'pubviaroot')::boolean, true))

    UNION ALL
    SELECT name, 10, 'missed', format('its replica identity is not %s, so its changes lack values',
            :'replica_identity')
    FROM live WHERE EXISTS (
        SELECT FROM (SELECT relation AS member UNION SELECT relid FROM pg_partition_tree(relation))
            AS members JOIN pg_class ON pg_class.oid = member
        WHERE relreplident <> CASE :'replica_identity' WHEN 'FULL' THEN 'f' ELSE 'd' END)

    UNION ALL
    SELECT live.name, 7, 'missed', CASE
            WHEN recorded.entry ->> 'table' IS NULL THEN 'its rows are to be read again'
            WHEN recorded.entry ->> 'key' IS DISTINCT FROM live.entry ->> 'key'
                THEN 'its primary key has changed, by which the archive tells rows apart'
            ELSE format('it was out of the publication %I, or that was changed, for some time', publication)
        END
    FROM live JOIN recorded ON pubname = publication AND recorded.name = live.name
    WHERE live.entry - ARRAY['table', 'partitions', 'named']
        <> recorded.entry - ARRAY['table', 'partitions', 'named']

    UNION ALL
    -- Debezium leaves out changes under another name, as the WAL has them.
    SELECT live.name, 7, 'missed', 'it had another name or schema for some time, and its changes under'
            ' that are not captured'
    FROM live JOIN recorded ON pubname = publication AND recorded.name = live.name
    WHERE recorded.entry ->> 'named' <> live.entry ->> 'named'
        AND split_part(recorded.entry ->> 'named', '/', 2) = split_part(live.entry ->> 'named', '/', 2)

    UNION ALL
    SELECT name, 8, 'missed', format('partition %s was attached, and the rows that it had are not in the'
            ' archive', string_agg(member::text, ', ' ORDER BY member))
    FROM attached GROUP BY name

    UNION ALL
    SELECT name, 9, 'missed', format('partition %s was detached or dropped, and its rows are still'
            ' current in the archive', string_agg(member, ', ' ORDER BY member))
    FROM gone GROUP BY name

    UNION ALL
    SELECT name, 11, 'changed', format('it has row level security, which hides rows from the account'
            ' %I when they are read', :'account')
    FROM live JOIN pg_class ON pg_class.oid = relation
    WHERE relrowsecurity AND EXISTS (
        SELECT FROM pg_roles WHERE rolname = :'account' AND NOT rolbypassrls)
)
