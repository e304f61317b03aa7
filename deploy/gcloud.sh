#!/usr/bin/env bash
# Deploys the hosted mint with gcloud alone, for who wants to see every step. `fullsend mint deploy` does the
# same and more: it plans, checks and can be run again.
#
#   deploy/gcloud.sh PROJECT [REGION]
#
# Needs deploy/env.yaml (from env.example.yaml) and, made beforehand: the service account
# fullsend-mint@PROJECT.iam.gserviceaccount.com with roles/secretmanager.secretAccessor on each secret
# fullsend-ROLE-app-pem, the workload identity pool and its provider.
set -euo pipefail

project=${1:?"usage: deploy/gcloud.sh PROJECT [REGION]"}
region=${2:-us-central1}
cd "$(dirname "$0")/.."
[ -f deploy/env.yaml ] || { echo "deploy/env.yaml is missing: copy deploy/env.example.yaml and change what is yours" >&2; exit 1; }

# --concurrency is THREADS of env.yaml; more than one request per instance needs at least one whole CPU.
# --timeout leaves room above REQUEST_DEADLINE_SECONDS (25), so that the mint answers before Google gives up.
gcloud functions deploy fullsend-mint \
  --gen2 \
  --project="$project" \
  --region="$region" \
  --runtime=python312 \
  --source=. \
  --entry-point=mint \
  --trigger-http \
  --allow-unauthenticated \
  --service-account="fullsend-mint@$project.iam.gserviceaccount.com" \
  --env-vars-file=deploy/env.yaml \
  --cpu=1 \
  --memory=512Mi \
  --concurrency=80 \
  --max-instances=20 \
  --timeout=60s

echo "FULLSEND_MINT_URL=$(gcloud functions describe fullsend-mint --gen2 --project="$project" --region="$region" --format='value(serviceConfig.uri)')"
