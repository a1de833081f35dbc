-- The articles in scope: published on or after the param "since", in a stable order.
SELECT id
FROM articles
WHERE published >= :since
ORDER BY id
