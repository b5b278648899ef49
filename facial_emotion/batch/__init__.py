"""Batch recognition of pictures and videos, on this machine or a Dask cluster, with resumable output."""
