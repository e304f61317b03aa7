"""Show what to add to a job so that it gets an OIDC token: the YAML of GitHub, GitLab and Kubernetes."""

PERMISSION = """\
Give the job the permission to request its OIDC token:

    jobs:
      my-job:
        permissions:
          id-token: write   # lets the job request its OIDC token
          contents: read    # listing one permission sets all others to none: list what else the job needs

If the job is in a reusable workflow, the job that calls it needs the permission too: a called workflow never \
has more permissions than its caller."""

FORK = """\
GitHub gives no OIDC token to a pull request from a fork, even with `id-token: write`, because anyone can open \
one. Skip the step for forks:

    if: github.event.pull_request.head.repo.full_name == github.repository

Do the work that needs the token in a second workflow that runs afterwards on `workflow_run` and neither checks \
out nor runs the fork's code. Do not switch to `pull_request_target` and check out the fork's code: that gives the \
token to the fork."""

ID_TOKENS = """\
Add the token to the job, with the mint's audience:

    my-job:
      id_tokens:
        FULLSEND_MINT_ID_TOKEN:
          aud: fullsend-mint

The variable's name is the audience in capitals, with `_` for every other character, and `_ID_TOKEN` at its end."""

PROJECTION = """\
Project a service-account token for the mint into the pod:

    volumes:
      - name: fullsend-mint
        projected:
          sources:
            - serviceAccountToken:
                audience: fullsend-mint
                expirationSeconds: 600
                path: token

and mount the volume at /var/run/secrets/fullsend-mint. FULLSEND_ID_TOKEN_FILE names another file. The token at \
/var/run/secrets/kubernetes.io is for the cluster's API server, and no command sends it."""
