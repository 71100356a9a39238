"""Others that do what W2 does, with what their own pages advise.

peer          what a comparison is
vllm          vLLM's loop and its server, at each number of sequences
vllm_loop     its loop alone, a program for its environment
servers       servers of others: what each is installed from, and how it is started
handler       what those are given that have no batch for images of their own
litserve_app  LitServe with it, a program for its environment
ray_app       Ray Serve with it, likewise
bentoml_app   BentoML with it, likewise
celery        plain Celery, one image a task
celery_app    its task
"""
