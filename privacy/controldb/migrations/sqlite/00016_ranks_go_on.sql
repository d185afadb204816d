-- +goose Up
-- From here on the ranks of a segment go on from those of the segments before.
-- Until now each segment had ranks of its own: of tables with several segments
-- they say nothing together, and so they must not be read.
UPDATE segments SET ranks = NULL WHERE id IN (
    SELECT a.segment
    FROM generation_segments a JOIN generation_segments b ON b.generation = a.generation AND b.segment <> a.segment
        JOIN segments s ON s.id = a.segment JOIN segments t ON t.id = b.segment
    WHERE s.table_name = t.table_name);

-- +goose Down
SELECT 1;
