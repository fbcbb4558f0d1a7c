-- Grain: one row per item of the table as it stood at :until: the change that made it so, which is the latest of its key
-- by sequence number. A removal drops the item.
--
-- changed_at  when the table changed. An item that moves (to the trash, or back) leaves one key when it appears under
--             the other: the move is one change.
WITH arrivals AS (
  SELECT user_id, sk, version, min(own_time) AS arrived_at
  FROM usable
  WHERE event_name = 'INSERT' AND version > 1
  GROUP BY user_id, sk, version
), moved AS (
  SELECT t.row_id, t.event_name, t.pk, t.sk, t.user_id, t.new_image, t.attribute_types, t.cut, t.seq_key,
    coalesce(a.arrived_at, t.own_time) AS changed_at
  FROM usable t
  LEFT JOIN arrivals a
    ON t.event_name = 'REMOVE' AND a.user_id = t.user_id AND a.sk = t.sk AND a.version = t.version + 1
), latest AS (
  SELECT max_by(row_id, seq_key) AS row_id
  FROM moved
  WHERE changed_at <= try_cast(:until AS timestamp)
  GROUP BY pk, sk
)
SELECT m.pk, m.sk, m.new_image, m.attribute_types, m.cut, m.changed_at
FROM moved m
JOIN latest l ON l.row_id = m.row_id
WHERE m.event_name <> 'REMOVE'
