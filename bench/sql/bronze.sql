-- Grain: one row per Bronze row of the days from $first to before $last: changes, one in a hundred twice, and one in a
-- thousand with a sequence number nobody can read.
CREATE OR REPLACE TEMP TABLE bronze AS
WITH copies AS (
  SELECT * FROM events WHERE moment >= CAST($first AS TIMESTAMP) AND moment < CAST($last AS TIMESTAMP)
  UNION ALL
  SELECT * FROM events
  WHERE moment >= CAST($first AS TIMESTAMP) AND moment < CAST($last AS TIMESTAMP) AND chance(t * 16 + i, 7, 100) = 0
), told AS (
  SELECT *,
    strftime(moment, '%Y-%m-%dT%H:%M:%S.%fZ') AS said,
    strftime(created, '%Y-%m-%dT%H:%M:%S.%fZ') AS born,
    strftime(created + 3 * gap, '%Y-%m-%dT%H:%M:%S.%fZ') AS done_once,
    strftime(created + 6 * gap, '%Y-%m-%dT%H:%M:%S.%fZ') AS done_twice,
    strftime(moment - gap, '%Y-%m-%dT%H:%M:%S.%fZ') AS said_before,
    concat('{"id":"', entity_id, '","user_id":"', user_id, '","created_at":"', strftime(created, '%Y-%m-%dT%H:%M:%S.%fZ'),
      '","updated_by":"', user_id, '","request_id":"', md5(concat(t, '/', i)), '",') AS begun,
    concat('"title":"Call ', ['the plumber', 'Ada about the report', 'the bank', 'home'][1 + chance(t, 8, 4)], ' ', abs(t), '"')
      AS title,
    concat('"description":"', repeat('What has to be done, and why. ', CAST(chance(t, 9, 5) AS INTEGER)), '","priority":"',
      ['low', 'medium', 'high', 'urgent'][1 + chance(t, 10, 4)], '","tags":["a","', chance(t, 11, 30), '"],"due_date":"',
      strftime(created + to_days(CAST(chance(t, 12, 60) AS INTEGER)), '%Y-%m-%d'), '"') AS details
  FROM copies
), versioned AS (
  SELECT *,
    -- The state after version i + 1, and the one before it.
    CASE WHEN entity_type = 'USER' THEN concat(begun, '"email":"', user_id, '@example.com","username":"', user_id,
        '","name":"Person ', user_id, '","entity_type":"USER","version":', i + 1, ',"updated_at":"', said, '"}')
      ELSE concat(begun, CASE WHEN i IN (2, 7) THEN replace(title, 'Call', 'Ring') ELSE title END, ',', details,
        ',"category":"', ['work', 'home', 'errands', 'money', 'health'][1 + chance(t, i > 4, 5)],
        '","status":"', ['pending', 'in_progress', 'in_progress', 'completed', 'pending', 'pending', 'completed', 'completed',
          'completed', 'completed'][i + 1],
        CASE WHEN i = 3 THEN concat('","completed_at":"', done_once) WHEN i > 5 THEN concat('","completed_at":"', done_twice)
          ELSE '' END,
        '","entity_type":"', entity_type, '","version":', i + 1, ',"updated_at":"', said, '"',
        CASE WHEN entity_type = 'TRASH' THEN concat(',"deleted_at":"', said, '","deleted_by":"', user_id,
          '","expires_at":', epoch_us(moment) // 1_000_000 + 2_592_000) ELSE '' END, '}') END AS after,
    CASE WHEN entity_type = 'USER' THEN concat(begun, '"email":"', user_id, '@example.com","username":"', user_id,
        '","name":"Person ', user_id, '","entity_type":"USER","version":', i, ',"updated_at":"', said_before, '"}')
      ELSE concat(begun, CASE WHEN i - 1 IN (2, 7) THEN replace(title, 'Call', 'Ring') ELSE title END, ',', details,
        ',"category":"', ['work', 'home', 'errands', 'money', 'health'][1 + chance(t, i - 1 > 4, 5)],
        '","status":"', ['pending', 'in_progress', 'in_progress', 'completed', 'pending', 'pending', 'completed', 'completed',
          'completed', 'completed'][i],
        CASE WHEN i - 1 = 3 THEN concat('","completed_at":"', done_once)
          WHEN i - 1 > 5 THEN concat('","completed_at":"', done_twice) ELSE '' END,
        '","entity_type":"', entity_type, '","version":', i, ',"updated_at":"', said_before, '"}') END AS before
  FROM told
)
SELECT
  md5(concat($salt, t, '/', i, entity_type)) AS event_id, event_name, said AS event_time,
  CASE WHEN chance(t * 16 + i, 13, 1000) = 0 THEN 'unreadable'
    ELSE concat('1000000000000000', epoch_us(moment), lpad(CAST(abs(t) % 100_000_000 AS VARCHAR), 8, '0')) END AS sequence_number,
  entity_type, concat(entity_type, '#', user_id) AS pk,
  CASE WHEN entity_type = 'USER' THEN 'METADATA' ELSE concat('TASK#', entity_id) END AS sk,
  user_id, entity_id,
  CASE WHEN event_name <> 'REMOVE' THEN md5(concat(t, '/', i)) END AS request_id,
  CASE WHEN event_name <> 'REMOVE' THEN user_id END AS updated_by,
  CASE WHEN event_name <> 'INSERT' THEN before END AS old_image,
  CASE WHEN event_name <> 'REMOVE' THEN after END AS new_image,
  CAST(NULL AS VARCHAR) AS attribute_types,
  'todo-app-data' AS table_name, CAST(NULL AS VARCHAR) AS cut,
  strftime(moment, '%Y') AS year, strftime(moment, '%m') AS month, strftime(moment, '%d') AS day,
  lpad(CAST(CAST('0x' || substr(sha256(user_id), 1, 8) AS BIGINT) % 16 AS VARCHAR), 2, '0') AS user_bucket
FROM versioned;
