"""The providers, which make scenarios, tasks, schemas, rows, tools and solutions as data."""
