#!/usr/bin/env bash
# Deploys the hosted mint with only gcloud. `fullsend mint deploy` also plans, checks, and makes the other parts.
#
#   deploy/gcloud.sh PROJECT [REGION]
#
# First: gcloud auth login, and deploy/env.yaml from env.example.yaml. These must exist: the service account
# fullsend-mint@PROJECT.iam.gserviceaccount.com with roles/secretmanager.secretAccessor on each secret
# fullsend-ROLE-app-pem, the workload identity pool and its provider.
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: deploy/gcloud.sh PROJECT [REGION]" >&2; exit 2; }
project=$1
region=${2:-us-central1}
cd "$(dirname "$0")/.."
[ -f deploy/env.yaml ] || { echo "deploy/env.yaml is missing. Fix: copy deploy/env.example.yaml and edit it" >&2; exit 1; }

# Enrollments and roles change the running service, not the file. Deploying the file would undo them.
running=$(gcloud run services list --project="$project" --region="$region" --filter="metadata.name=fullsend-mint" \
  --flatten="spec.template.spec.containers[].env[]" --quiet \
  --format="value(spec.template.spec.containers.env.name, spec.template.spec.containers.env.value)")
lost=""
for name in ALLOWED_ORGS PER_REPO_WIF_REPOS ENROLLED_IDS ROLE_APP_IDS; do
  there=$(printf '%s\n' "$running" | sed -n "s/^$name	//p")
  file=$(sed -n "s/^$name: *//p" deploy/env.yaml | sed "s/^[\"']//; s/[\"']\$//")
  if [ -n "$there" ] && [ "$there" != "$file" ]; then lost+="  $name: the mint has $there, deploy/env.yaml has $file"$'\n'; fi
done
if [ -n "$lost" ] && [ "${OVERWRITE:-0}" != 1 ]; then
  printf 'This deployment would change what the running mint has:\n%s' "$lost" >&2
  echo "Fix: copy these values into deploy/env.yaml, or set OVERWRITE=1 to replace them." >&2
  exit 1
fi

# --concurrency is THREADS of env.yaml; more than one request per instance needs at least one whole CPU.
# --timeout exceeds REQUEST_DEADLINE_SECONDS (25), so the mint answers before Google gives up.
# --max-instances: docs/operate.md says why more instances do not mint more tokens.
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
  --max-instances=3 \
  --timeout=60s \
  --quiet

# After a rollback, traffic would stay on the old revision.
gcloud run services update-traffic fullsend-mint --to-latest --project="$project" --region="$region" --quiet

echo "FULLSEND_MINT_URL=$(gcloud functions describe fullsend-mint --gen2 --project="$project" --region="$region" --format='value(serviceConfig.uri)')"
