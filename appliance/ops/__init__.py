"""Operations: preparing a start, serving, working, health and the status pages."""
