# The same verbs as ./dev, for those whose fingers type make. Arguments: make test ARGS="-k webhook"
.DEFAULT_GOAL := help
.PHONY: help run story test lint mutate format manage shell psql lock

help:
	@./dev help

story:
	@./dev run --story

run test lint mutate format manage shell psql lock:
	@./dev $@ $(ARGS)
