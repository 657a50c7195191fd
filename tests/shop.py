"""A small shop, written by hand: the environment of the unit tests. Each part can be changed to be wrong."""

from __future__ import annotations

from typing import Any

from awm_lib.compile.database import build_database
from awm_lib.contracts.oracle import Oracle
from awm_lib.contracts.scenario import Scenario
from awm_lib.contracts.seed import Seed
from awm_lib.contracts.spec import Spec
from awm_lib.contracts.tasks import Tasks
from awm_lib.runtime.environment import Environment

NOW = "2025-03-04 10:00:00"

SCHEMA = """
CREATE TABLE users (
  -- People who buy.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  credit MONEY NOT NULL DEFAULT 0 CHECK (credit >= 0)
);
CREATE TABLE products (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  price MONEY NOT NULL CHECK (price >= 0),
  stock INTEGER NOT NULL CHECK (stock >= 0),
  kind TEXT NOT NULL CHECK (kind IN ('cable', 'mouse', 'lamp')),
  active BOOLEAN NOT NULL DEFAULT 1
);
CREATE INDEX products_by_kind ON products(kind);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL REFERENCES users(id),
  status TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'sent', 'cancelled')),
  reference TEXT,
  note TEXT,
  placed_at DATETIME NOT NULL,
  due_on DATE
);
CREATE TABLE order_items (
  order_id INTEGER NOT NULL REFERENCES orders(id),
  product_id INTEGER NOT NULL REFERENCES products(id),
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 9),
  PRIMARY KEY (order_id, product_id)
);
CREATE TABLE visits (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL,
  seen_at DATETIME NOT NULL
);
"""

ROWS: list[dict[str, Any]] = [
    {"table": "users", "columns": ["id", "name", "credit"], "rows": [[1, "Ada", 5000], [2, "Ben", 0]]},
    {
        "table": "products",
        "columns": ["id", "name", "price", "stock", "kind", "active"],
        "rows": [
            [1, "usb-c cable", 899, 5, "cable", 1],
            [2, "usb-a cable", 499, 0, "cable", 1],
            [3, "hdmi cable", 1299, 7, "cable", 1],
            [4, "small mouse", 1999, 3, "mouse", 1],
            [5, "desk lamp", 3500, 2, "lamp", 0],
        ],
    },
    {
        "table": "orders",
        "columns": ["id", "user_id", "status", "reference", "note", "placed_at", "due_on"],
        "rows": [
            [1, 1, "open", "ORD-00001", None, "2025-03-01 09:00:00", "2025-03-10"],
            [2, 1, "sent", "ORD-00002", None, "2025-02-01 09:00:00", "2025-02-10"],
            [3, 2, "open", "ORD-00003", None, "2025-03-02 09:00:00", "2025-03-11"],
        ],
    },
    {"table": "order_items", "columns": ["order_id", "product_id", "quantity"], "rows": [[1, 3, 2], [2, 1, 1], [3, 4, 1]]},
]  # fmt: skip

SPEC: dict[str, Any] = {
    "scenario": "shop_1",
    "tools": [
        {
            "name": "search_products", "summary": "Find products", "effect": "read",
            "parameters": [
                {"name": "query", "type": "string", "required": False, "max_length": 50, "description": "Part of the name"},
                {"name": "kind", "type": "string", "enum": ["cable", "mouse", "lamp"], "required": False, "description": "Kind"},
                {"name": "max_price", "type": "money", "required": False, "description": "At most this price"},
            ],
            "program": [{"return": "all", "sql":
                "SELECT id, name, price, stock, active FROM products WHERE (:query IS NULL OR instr(name, :query)) "
                "AND (:kind IS NULL OR kind = :kind) AND (:max_price IS NULL OR price <= :max_price) ORDER BY price, id"}],
        },
        {
            "name": "get_product", "summary": "Show a product", "effect": "read",
            "parameters": [{"name": "product_id", "type": "integer", "description": "Product", "references": "products.id"}],
            "program": [{"return": "one", "sql": "SELECT id, name, price, stock FROM products WHERE id = :product_id"}],
        },
        {
            "name": "order_product", "summary": "Order a product", "effect": "write",
            "parameters": [
                {"name": "product_id", "type": "integer", "description": "Product", "references": "products.id"},
                {"name": "quantity", "type": "integer", "minimum": 1, "maximum": 9, "default": 1, "description": "Pieces"},
                {"name": "note", "type": "string", "required": False, "max_length": 100, "description": "For the parcel"},
            ],
            "program": [
                {"check": "SELECT 1 FROM products WHERE id = :product_id AND active = 1", "error": "not_found",
                 "message": "product {product_id} does not exist; search_products finds products"},
                {"check": "SELECT stock >= :quantity FROM products WHERE id = :product_id", "error": "conflict",
                 "message": "product {product_id} is sold out or short; choose another one"},
                {"let": "placed", "sql":
                    "INSERT INTO orders (user_id, note, placed_at, due_on) VALUES (:_user_id, :note, :_now, "
                    "date(:_now, '+7 days')) RETURNING id"},
                {"run": "UPDATE orders SET reference = printf('ORD-%05d', id) WHERE id = :placed_id"},
                {"run": "INSERT INTO order_items (order_id, product_id, quantity) VALUES (:placed_id, :product_id, :quantity)"},
                {"run": "UPDATE products SET stock = stock - :quantity WHERE id = :product_id"},
                {"return": "one", "sql":
                    "SELECT o.id, o.status, o.reference, o.placed_at, o.due_on, p.price * i.quantity AS total FROM orders o "
                    "JOIN order_items i ON i.order_id = o.id JOIN products p ON p.id = i.product_id WHERE o.id = :placed_id",
                 "types": [{"column": "total", "type": "money"}]},
            ],
        },
        {
            "name": "list_orders", "summary": "List your orders", "effect": "read",
            "parameters": [{"name": "status", "type": "string", "enum": ["open", "sent", "cancelled"], "required": False,
                            "description": "Status"}],
            "program": [{"return": "all", "sql":
                "SELECT o.id, o.status, p.name AS product, i.quantity, o.placed_at FROM orders o JOIN order_items i "
                "ON i.order_id = o.id JOIN products p ON p.id = i.product_id WHERE o.user_id = :_user_id "
                "AND (:status IS NULL OR o.status = :status) ORDER BY o.placed_at, o.id"}],
        },
        {
            "name": "cancel_order", "summary": "Cancel an open order", "effect": "write", "destructive": True,
            "parameters": [{"name": "order_id", "type": "integer", "description": "Order", "references": "orders.id"}],
            "program": [
                {"check": "SELECT 1 FROM orders WHERE id = :order_id AND user_id = :_user_id", "error": "not_found",
                 "message": "you have no order {order_id}"},
                {"check": "SELECT status = 'open' FROM orders WHERE id = :order_id", "error": "conflict",
                 "message": "order {order_id} has left"},
                {"run": "UPDATE orders SET status = 'cancelled' WHERE id = :order_id"},
                {"return": "one", "sql": "SELECT id, status FROM orders WHERE id = :order_id"},
            ],
        },
        {
            "name": "set_note", "summary": "Write a note on an order", "effect": "write", "idempotent": True,
            "parameters": [
                {"name": "order_id", "type": "integer", "description": "Order", "references": "orders.id"},
                {"name": "note", "type": "string", "max_length": 100, "description": "Note"},
            ],
            "program": [
                {"run": "UPDATE orders SET note = :note WHERE id = :order_id AND user_id = :_user_id"},
                {"return": "one", "sql": "SELECT id, note FROM orders WHERE id = :order_id AND user_id = :_user_id"},
            ],
        },
    ],
    "crud": [{"table": "users", "noun": "user", "verbs": ["get"]}],
}  # fmt: skip

TASKS: dict[str, Any] = {
    "scenario": "shop_1",
    "context": {"now": NOW, "user": {"id": 1, "name": "Ada"}},
    "tasks": [
        {"id": "t01", "kind": "action", "instruction": "Order 2 pieces of the cheapest cable that is in stock."},
        {"id": "t02", "kind": "question", "answer": {"type": "money", "unit": "USD"},
         "instruction": "What do I pay for 3 pieces of the hdmi cable?"},
        {"id": "t03", "kind": "action",
         "instruction": "Order the usb-a cable. If that is refused because it is sold out, order one usb-c cable instead."},
        {"id": "t04", "kind": "question", "answer": {"type": "money", "unit": "USD"},
         "instruction": "What do one hdmi cable and one small mouse cost together?"},
    ],
}  # fmt: skip

ORACLE: dict[str, Any] = {
    "scenario": "shop_1",
    "solutions": [
        {
            "task": "t01",
            "calls": [
                {"id": "found", "tool": "search_products",
                 "arguments": [{"name": "kind", "value": "cable", "source": "said('cable')"}]},
                {"id": "ordered", "tool": "order_product", "arguments": [
                    {"name": "product_id", "value": 1,
                     "source": "lowest([p for p in found.items if p.stock > 0], 'price').id"},
                    {"name": "quantity", "value": 2, "source": "number('2')"}]},
            ],
            "goal": "SELECT count(*) = 1 FROM orders o JOIN order_items i ON i.order_id = o.id WHERE o.user_id = 1 AND "
                    "i.product_id = 1 AND i.quantity = 2 AND o.id NOT IN (SELECT id FROM initial.orders)",
            "selections": [{"name": "cheapest", "sql":
                "SELECT id, price FROM products WHERE kind = 'cable' AND stock > 0 ORDER BY price"}],
        },
        {
            "task": "t02",
            "calls": [{"id": "found", "tool": "search_products",
                       "arguments": [{"name": "query", "value": "hdmi cable", "source": "said('hdmi cable')"}]}],
            "answer": {"value": 38.97, "source": "first(found.items).price * number('3')",
                       "sql": "SELECT price * 3 FROM products WHERE id = 3"},
        },
        {
            "task": "t03",
            "calls": [
                {"id": "wanted", "tool": "search_products",
                 "arguments": [{"name": "query", "value": "usb-a cable", "source": "said('usb-a cable')"}]},
                {"id": "tried", "tool": "order_product", "refused": "conflict",
                 "arguments": [{"name": "product_id", "value": 2, "source": "first(wanted.items).id"}]},
                {"id": "other", "tool": "search_products",
                 "arguments": [{"name": "query", "value": "usb-c cable", "source": "said('usb-c cable')"}]},
                {"id": "ordered", "tool": "order_product", "when": "refused(tried)",
                 "arguments": [{"name": "product_id", "value": 1, "source": "first(other.items).id"}]},
            ],
            "goal": "SELECT count(*) = 1 FROM order_items WHERE product_id = 1 AND order_id > 3",
        },
        {
            "task": "t04",
            "calls": [
                {"id": "cable", "tool": "search_products",
                 "arguments": [{"name": "query", "value": "hdmi cable", "source": "said('hdmi cable')"}]},
                {"id": "mouse", "tool": "search_products",
                 "arguments": [{"name": "query", "value": "small mouse", "source": "said('small mouse')"}]},
            ],
            "answer": {"value": 32.98, "source": "first(cable.items).price + first(mouse.items).price",
                       "sql": "SELECT sum(price) FROM products WHERE id IN (3, 4)"},
        },
    ],
}  # fmt: skip


def shop(
    *,
    schema: str = SCHEMA,
    rows: list[dict[str, Any]] | None = None,
    spec: dict[str, Any] | None = None,
    tasks: dict[str, Any] | None = None,
    oracle: dict[str, Any] | None = None,
) -> Environment:
    """The shop as an environment, with some of its parts replaced."""
    seed = Seed.parse({"scenario": "shop_1", "tables": ROWS if rows is None else rows}, "seed.json")
    return Environment(
        Scenario(name="shop_1", category="shop", title="The Shop", description="A shop."),
        Tasks.parse(tasks or TASKS, "tasks.json"),
        Spec.parse(spec or SPEC, "spec.json"),
        build_database(schema, seed),
        oracle=Oracle.parse(oracle or ORACLE, "oracle.json"),
    )
