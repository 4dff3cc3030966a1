"""Clues: what rules read before they conclude. None of these modules declares a rule.

`*_text` are the words of programs, registries, the scheduler and admission plugins, read into values; the others look
at views: which Service is asked for, on which port a container is meant to listen, where a pod could run.
"""
