-- Grain: one row per e-mail address that the person :user_id has had.
SELECT DISTINCT get_json_object(image, '$.email') AS email
FROM task_events
WHERE user_id = :user_id AND entity_type = 'USER' AND get_json_object(image, '$.email') <> ''
