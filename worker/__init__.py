"""The workers: they embed and extract, as many processes as wanted on one store."""
