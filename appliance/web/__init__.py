"""The pages that put the rooms together: dashboard, ticket, create, search, set-up."""
