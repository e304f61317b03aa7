// After the job: revoke what the step minted. Never fails the job, and is silent when the token is gone.
'use strict'

const { mask, notice, warn } = require('./lib/commands')
const { send } = require('./lib/http')
const { isTrue, apiUrl } = require('./lib/inputs')

async function post(env) {
  const token = env.STATE_token
  if (!token || isTrue(env, 'skip-token-revoke')) return
  mask(token)
  const answer = await send('DELETE', `${apiUrl(env)}/installation/token`, {
    bearer: token,
    headers: { Accept: 'application/vnd.github+json', 'X-GitHub-Api-Version': '2022-11-28' },
    totalSeconds: 20,
  })
  if (answer.status === 204) notice('Token revoked')
  else if (answer.status !== 401) throw new Error(`GitHub answered ${answer.status}`)
}

post(process.env).catch((error) => {
  warn(`The token was not revoked and stays valid until it expires: ${error.message}`)
})
