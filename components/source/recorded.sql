-- What the archive has of each captured table: a query of its entries by publication and name.
--
-- A publication's comment has them, as drift.sql's `live` had them when the rows were read. What is
-- different now shows what was missed since. An empty entry says that the rows must be read again.
SELECT pubname, entry.key AS name, entry.value AS entry
    FROM pg_publication CROSS JOIN LATERAL jsonb_each(coalesce(substring(
        obj_description(oid, 'pg_publication') FROM '^datapipe ({.*})$')::jsonb, '{}')) AS entry
