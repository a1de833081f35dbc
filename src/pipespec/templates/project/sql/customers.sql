-- Customers who spent at least so much, those who spent most first.
SELECT customer, COUNT(*) AS orders, ROUND(SUM(amount), 2) AS total
FROM orders
GROUP BY customer
HAVING SUM(amount) >= :least
ORDER BY total DESC, customer
