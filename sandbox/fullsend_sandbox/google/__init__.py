"""Emulate Google Cloud's control plane on loopback, written from Google's public documentation.

It has the APIs that a deployment needs: the REST APIs of Cloud Functions, Cloud Run, IAM, Secret Manager, Resource
Manager and Service Usage, and functions that really run.
"""
