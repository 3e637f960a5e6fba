"""LDAP and Active Directory: log-in, people, groups."""
