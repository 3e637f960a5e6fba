from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id with OWASP's parameters (19 MiB, two passes, one lane).

    Django's default takes several times the CPU, which two cores feel at the start of a shift.
    """

    time_cost = 2
    memory_cost = 19456
    parallelism = 1
