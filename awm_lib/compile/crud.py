"""Plain tools over one table, from their shorthand."""

from __future__ import annotations

from typing import Any

from awm_lib.contracts.spec import CheckStep, Crud, LetStep, Parameter, ReturnStep, RunStep, Tool, Verb
from awm_lib.errors import SqlError, nearest
from awm_lib.runtime.schema import Column, Schema, Table, reference_of


def expand(crud: Crud, schema: Schema) -> list[Tool]:
    """The tools that a shorthand stands for. Raises SqlError if it does not fit the schema."""
    table = schema.get(crud.table)
    if table is None:
        raise SqlError(f"crud: there is no table {crud.table!r}", hint=nearest(crud.table, schema))
    named = [*crud.filters, *crud.search, *crud.writable, *crud.hidden, *([crud.owner] if crud.owner else [])]
    for name in named:
        if table.column(name) is None:
            raise SqlError(
                f"crud {table.name}: there is no column {name!r}", hint=nearest(name, [c.name for c in table.columns])
            )
    if set(crud.verbs) - {"list"} and table.integer_key is None:
        raise SqlError(f"crud {table.name}: get, create, update and delete need a single integer key")
    makers = {"list": _list, "get": _get, "create": _create, "update": _update, "delete": _delete}
    return [makers[verb](crud, table) for verb in crud.verbs]


def tool_name(crud: Crud, verb: Verb) -> str:
    """The name of the tool that a verb of a shorthand stands for."""
    return f"list_{crud.plural or crud.table}" if verb == "list" else f"{verb}_{crud.noun}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _article(noun: str) -> str:
    return ("an " if noun[0] in "aeiou" else "a ") + _words(noun)


def _visible(crud: Crud, table: Table) -> str:
    hidden = {*crud.hidden, *([crud.owner] if crud.owner else [])}
    return ", ".join(column.name for column in table.columns if column.name not in hidden)


def _where(crud: Crud, *conditions: str) -> str:
    own = [f"{crud.owner} = :_user_id"] if crud.owner else []
    parts = [*conditions, *own]
    return " WHERE " + " AND ".join(parts) if parts else ""


def _key(crud: Crud, table: Table) -> Parameter:
    return Parameter(
        name=f"{crud.noun}_id",
        type="integer",
        description=f"Key of the {_words(crud.noun)}",
        references=f"{table.name}.{table.integer_key}",
        example=1,
    )


def _found(crud: Crud, table: Table) -> CheckStep:
    """Refuse a row that is not there (or not the user's)."""
    whose = "your " if crud.owner else ""
    shown = f"; see list_{crud.plural or crud.table}" if "list" in crud.verbs else ""
    where = _where(crud, f"{table.integer_key} = :{crud.noun}_id")
    return CheckStep(
        check=f"SELECT 1 FROM {table.name}{where}",
        error="not_found",
        message=f"{whose}{_words(crud.noun)} {{{crud.noun}_id}} does not exist{shown}",
    )


def _row(crud: Crud, table: Table, key: str) -> ReturnStep:
    where = _where(crud, f"{table.integer_key} = :{key}")
    return ReturnStep(returns="one", sql=f"SELECT {_visible(crud, table)} FROM {table.name}{where}")


def _parameter(column: Column, *, required: bool, default: Any, description: str) -> Parameter:
    numeric = column.type in ("integer", "number", "money")
    scale = 100 if column.type == "money" else 1
    return Parameter(
        name=column.name,
        type="string" if column.type == "json" else column.type,
        description=description,
        required=required if default is None else None,
        default=default,
        minimum=column.minimum / scale if numeric and column.minimum is not None else None,
        maximum=column.maximum / scale if numeric and column.maximum is not None else None,
        enum=list(column.enum) if column.enum else None,
        references=reference_of(column),
    )


def _list(crud: Crud, table: Table) -> Tool:
    parameters, conditions = [], []
    for name in crud.filters:
        column = table.column(name)
        assert column is not None
        parameters.append(
            _parameter(column, required=False, default=None, description=f"Only with this {_words(name)}")
        )
        conditions.append(f"(:{name} IS NULL OR {name} = :{name})")
    if crud.search:
        parameters.append(
            Parameter(name="query", type="string", required=False, max_length=200,
                      description=f"Only where {' or '.join(map(_words, crud.search))} contains this")
        )  # fmt: skip
        inside = " OR ".join(f"instr(lower({name}), lower(:query))" for name in crud.search)
        conditions.append(f"(:query IS NULL OR {inside})")
    order = ", ".join(table.key)
    return Tool(
        name=tool_name(crud, "list"),
        summary=f"List {'your ' if crud.owner else ''}{_words(crud.plural or crud.table)}",
        tags=crud.tags,
        effect="read",
        parameters=parameters,
        program=[
            ReturnStep(
                returns="all",
                sql=f"SELECT {_visible(crud, table)} FROM {table.name}{_where(crud, *conditions)} ORDER BY {order}",
            )
        ],
    )


def _get(crud: Crud, table: Table) -> Tool:
    return Tool(
        name=tool_name(crud, "get"),
        summary=f"Show {_article(crud.noun)}",
        tags=crud.tags,
        effect="read",
        parameters=[_key(crud, table)],
        program=[_found(crud, table), _row(crud, table, f"{crud.noun}_id")],
    )


def _create(crud: Crud, table: Table) -> Tool:
    parameters, names, values = [], [], []
    for column in table.columns:
        if column.name == table.integer_key or column.generated:
            continue
        if column.name in crud.writable:
            default = _default_of(column)
            required = column.not_null and default is None
            parameters.append(
                _parameter(column, required=required, default=default, description=_words(column.name).capitalize())
            )
            value = f":{column.name}"
        elif column.name == crud.owner:
            value = ":_user_id"
        elif column.type == "datetime" and column.not_null and column.default is None:
            value = ":_now"
        elif column.not_null and column.default is None:
            raise SqlError(
                f"crud {table.name}: create cannot set {column.name}: make it writable, or give it a default"
            )
        else:
            continue
        names.append(column.name)
        values.append(value)
    insert = (
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join(values)}) "
        f"RETURNING {table.integer_key} AS id"
    )
    return Tool(
        name=tool_name(crud, "create"),
        summary=f"Create {_article(crud.noun)}",
        tags=crud.tags,
        effect="write",
        parameters=parameters,
        program=[LetStep(let="created", sql=insert), _row(crud, table, "created_id")],
    )


def _default_of(column: Column) -> Any:
    """A column's default as an agent would write it; None if it has none, or one that is computed."""
    text = (column.default or "").strip()
    if text.startswith("'") and text.endswith("'"):
        return text[1:-1].replace("''", "'")
    try:
        value = float(text)
    except ValueError:
        return None
    if column.type == "boolean":
        return bool(value)
    if column.type == "money":
        return round(value / 100, 2)
    return int(value) if column.type == "integer" else value


def _update(crud: Crud, table: Table) -> Tool:
    columns = [column for column in table.columns if column.name in crud.writable]
    parameters = [
        _parameter(column, required=False, default=None, description=f"New {_words(column.name)}") for column in columns
    ]
    sets = [f"{column.name} = COALESCE(:{column.name}, {column.name})" for column in columns]
    if "updated_at" in {column.name for column in table.columns} - set(crud.writable):
        sets.append("updated_at = :_now")
    given = " OR ".join(f":{column.name} IS NOT NULL" for column in columns)
    where = _where(crud, f"{table.integer_key} = :{crud.noun}_id")
    return Tool(
        name=tool_name(crud, "update"),
        summary=f"Change {_article(crud.noun)}",
        description="Only the given fields change.",
        tags=crud.tags,
        effect="write",
        idempotent=True,
        parameters=[_key(crud, table), *parameters],
        program=[
            _found(crud, table),
            CheckStep(check=f"SELECT {given}", error="invalid_arguments", message="give at least one field to change"),
            RunStep(run=f"UPDATE {table.name} SET {', '.join(sets)}{where}"),
            _row(crud, table, f"{crud.noun}_id"),
        ],
    )


def _delete(crud: Crud, table: Table) -> Tool:
    where = _where(crud, f"{table.integer_key} = :{crud.noun}_id")
    return Tool(
        name=tool_name(crud, "delete"),
        summary=f"Delete {_article(crud.noun)}",
        tags=crud.tags,
        effect="write",
        destructive=True,
        parameters=[_key(crud, table)],
        program=[_found(crud, table), ReturnStep(returns="rowcount", sql=f"DELETE FROM {table.name}{where}")],
    )
