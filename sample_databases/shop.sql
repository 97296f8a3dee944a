-- A shop as such databases are: enums, domains, arrays, JSON, a generated column, keys of several
-- columns, a table without a key, a partitioned one, one with row level security, and NULLs.

CREATE TYPE order_state AS ENUM ('new', 'paid', 'sent', 'cancelled');
CREATE DOMAIN price AS numeric(12, 2) CHECK (VALUE >= 0);
CREATE SCHEMA warehouse;

CREATE TABLE customers (
    id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE,
    name text,
    born date,
    tags text[] NOT NULL DEFAULT '{}',
    preferences jsonb,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE products (
    sku varchar(20) PRIMARY KEY,
    title text NOT NULL,
    net price NOT NULL,
    vat numeric(4, 3) NOT NULL,
    gross numeric GENERATED ALWAYS AS (net * (1 + vat)) STORED,
    picture bytea,
    replaced_by varchar(20) REFERENCES products
);
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers,
    state order_state NOT NULL DEFAULT 'new',
    total price,
    ordered_at timestamp NOT NULL,
    delivery_window interval
);
CREATE TABLE order_lines (
    order_id bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
    line smallint NOT NULL,
    sku varchar(20) NOT NULL REFERENCES products,
    quantity integer NOT NULL CHECK (quantity > 0),
    "unitPrice" price NOT NULL,
    PRIMARY KEY (order_id, line)
);
-- No primary key: all columns together identify a row.
CREATE TABLE page_views (
    at timestamptz NOT NULL,
    path text NOT NULL,
    customer_id uuid,
    address inet
);
CREATE TABLE staff (
    id integer PRIMARY KEY,
    name text NOT NULL,
    manager_id integer REFERENCES staff,
    salary numeric
);
ALTER TABLE staff ENABLE ROW LEVEL SECURITY;
CREATE TABLE warehouse.movements (
    id bigint NOT NULL,
    day date NOT NULL,
    sku varchar(20) NOT NULL REFERENCES products,
    pieces integer NOT NULL,
    PRIMARY KEY (id, day)
) PARTITION BY RANGE (day);
CREATE TABLE warehouse.movements_2026_10 PARTITION OF warehouse.movements
    FOR VALUES FROM ('2026-10-01') TO ('2026-11-01');
CREATE TABLE warehouse.movements_2026_11 PARTITION OF warehouse.movements
    FOR VALUES FROM ('2026-11-01') TO ('2026-12-01');

INSERT INTO customers (id, email, name, born, tags, preferences, created_at)
SELECT md5(n::text)::uuid, 'customer' || n || '@example.com',
       CASE WHEN n % 7 > 0 THEN 'Name ' || n || ' Łódź 東京' END,
       CASE WHEN n % 5 > 0 THEN date '1950-01-01' + n * 37 END,
       CASE n % 3 WHEN 0 THEN '{}' WHEN 1 THEN '{new}' ELSE '{new,"two words",NULL}' END::text[],
       CASE WHEN n % 4 > 0 THEN jsonb_build_object('news', n % 2 = 0, 'size', n / 3.0) END,
       timestamptz '2026-01-01 00:00+00' + n * interval '1 hour 7.000001 seconds'
FROM generate_series(1, 500) AS n;
INSERT INTO products (sku, title, net, vat, picture)
SELECT 'SKU-' || n, 'Product "' || n || '"', n * 1.25, CASE n % 2 WHEN 0 THEN 0.19 ELSE 0.07 END,
       CASE WHEN n % 3 = 0 THEN decode(md5(n::text), 'hex') END
FROM generate_series(1, 60) AS n;
UPDATE products SET replaced_by = 'SKU-1' WHERE sku IN ('SKU-7', 'SKU-8');
INSERT INTO orders (customer_id, state, total, ordered_at, delivery_window)
SELECT md5((n % 500 + 1)::text)::uuid, (enum_range(NULL::order_state))[n % 4 + 1],
       CASE WHEN n % 9 > 0 THEN n * 0.99 END, timestamp '2026-10-01' + n * interval '41 minutes',
       CASE WHEN n % 6 > 0 THEN n % 48 * interval '1 hour' END
FROM generate_series(1, 2000) AS n;
INSERT INTO order_lines
SELECT n, line, 'SKU-' || (n * 7 + line) % 60 + 1, n % 5 + 1, (n % 60 + 1) * 1.25
FROM generate_series(1, 2000) AS n, generate_series(1, n % 4 + 1) AS line;
INSERT INTO page_views
SELECT timestamptz '2026-11-01 00:00+00' + n * interval '13 seconds', '/product/SKU-' || n % 60 + 1,
       CASE WHEN n % 3 = 0 THEN md5((n % 500 + 1)::text)::uuid END,
       CASE WHEN n % 2 = 0 THEN inet '2001:db8::1' + n ELSE inet '192.0.2.0' + n % 250 END
FROM generate_series(1, 3000) AS n;
-- Two equal rows.
INSERT INTO page_views
SELECT timestamptz '2026-11-01 00:00+00', '/', NULL, NULL FROM generate_series(1, 2);
INSERT INTO staff
SELECT n, 'Staff ' || n, CASE WHEN n > 1 THEN n / 2 END, CASE WHEN n % 2 = 0 THEN 2000.5 + n END
FROM generate_series(1, 20) AS n;
INSERT INTO warehouse.movements
SELECT n, date '2026-10-01' + n % 58, 'SKU-' || n % 60 + 1, n % 21 - 10
FROM generate_series(1, 1500) AS n;
ANALYZE;
