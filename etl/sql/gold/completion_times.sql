-- Grain: one row per task that is completed now.
--
-- completed_day  reporting day it was completed.
-- lead_hours     from created to completed; 0 where a writer's clock has it completed first.
-- cycle_hours    from first put in progress to completed; null where it never was, or only afterwards.
SELECT
  finished_day AS completed_day, category, priority,
  CAST(lead_micros AS double) / 3.6E9D AS lead_hours,
  CAST(cycle_micros AS double) / 3.6E9D AS cycle_hours,
  task_id, user_id, created_at, finished_at AS completed_at
FROM lives
WHERE status = 'completed'
