// The job's OIDC token, and the reason if the job lacks one. GitHub: "OpenID Connect reference".
'use strict'

const { readFileSync } = require('node:fs')

const { ActionError } = require('./errors')
const { isRetryable, jsonObject, parsedObject, send } = require('./http')
const { isLoopback } = require('./inputs')

async function oidcToken(env, audience, seconds) {
  if (!env.ACTIONS_ID_TOKEN_REQUEST_URL || !env.ACTIONS_ID_TOKEN_REQUEST_TOKEN) throw missing(env)
  const failed = (why, code) => new ActionError(`GitHub did not give this job its OIDC token: ${why}.`, code)
  let url
  try {
    url = new URL(env.ACTIONS_ID_TOKEN_REQUEST_URL)
  } catch {
    throw failed('ACTIONS_ID_TOKEN_REQUEST_URL is not a URL', 'oidc_variables_invalid')
  }
  // Attack: over plain http anyone on the path reads the request token and mints as this job.
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url))) {
    const why = 'ACTIONS_ID_TOKEN_REQUEST_URL must begin with https:// (http only on a loopback address)'
    throw failed(why, 'oidc_variables_invalid')
  }
  url.searchParams.set('audience', audience)
  let answer
  try {
    answer = await send('GET', url.href, { bearer: env.ACTIONS_ID_TOKEN_REQUEST_TOKEN, totalSeconds: Math.min(seconds, 30), env })
  } catch (error) {
    const code = error.certificate ? 'oidc_certificate_refused' : 'oidc_unreachable'
    throw failed(`its token service was not reached: ${error.message}`, error.mintCode ?? code)
  }
  const said = `its token service answered ${answer.status}`
  if (isForeign(answer)) throw failed(`${said} without a JSON object, which GitHub's never does`, 'oidc_answer_invalid')
  if (answer.status !== 200) throw failed(said, 'oidc_request_failed')
  const { value } = jsonObject(answer.text)
  if (typeof value !== 'string' || !/^[!-~]+$/.test(value)) {
    throw failed(`${said}, and its JSON has no token in \`value\``, 'oidc_token_missing')
  }
  return value
}

// A proxy or a portal answered: a redirect, 407, or a page in place of JSON.
function isForeign({ status, text }) {
  if (isRetryable(status)) return false
  if (status === 407 || (status >= 300 && status < 400)) return true
  return parsedObject(text) === undefined && (status === 200 || text !== '')
}

function missing(env) {
  if (isForkPullRequest(env)) {
    return new ActionError(
      'This job was started by a pull request from a fork, and GitHub gives such jobs no OIDC token.',
      'oidc_fork_pull_request',
    )
  }
  return new ActionError(
    'This job may not ask for an OIDC token: it lacks `permissions: id-token: write`.',
    'oidc_permission_missing',
  )
}

function isForkPullRequest(env) {
  if (!(env.GITHUB_EVENT_NAME ?? '').startsWith('pull_request') || !env.GITHUB_EVENT_PATH) return false
  let event
  try {
    event = jsonObject(readFileSync(env.GITHUB_EVENT_PATH, 'utf8'))
  } catch {
    return false
  }
  const head = event.pull_request?.head
  if (!head) return false
  if (!head.repo) return true // the fork was deleted since
  return String(head.repo.full_name).toLowerCase() !== (env.GITHUB_REPOSITORY ?? '').toLowerCase()
}

module.exports = { isForkPullRequest, oidcToken }
