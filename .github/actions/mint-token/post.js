// After the job: revoke what the step minted. Never fails the job, and is silent when the token is gone.
'use strict'

const { mask, notice, warn } = require('./lib/commands')
const { Attempts, send } = require('./lib/http')
const { isTrue, apiUrl } = require('./lib/inputs')

const FRESH_SECONDS = 5

async function post(env) {
  const token = env.STATE_token
  if (!token || isTrue(env, 'skip-token-revoke')) return
  mask(token)
  const revoke = () => send('DELETE', `${apiUrl(env)}/installation/token`, {
    bearer: token,
    headers: { Accept: 'application/vnd.github+json', 'X-GitHub-Api-Version': '2022-11-28' },
    totalSeconds: 20,
  })
  let answer = await revoke()
  // To a token made seconds ago 401 may mean that GitHub does not know it yet: ask again before it counts as gone.
  const attempts = new Attempts(FRESH_SECONDS)
  const fresh = Date.now() - Number(env.STATE_minted_at) < FRESH_SECONDS * 1000
  while (fresh && answer.status === 401 && (await attempts.wait())) answer = await revoke()
  if (answer.status === 204) notice('Token revoked')
  else if (answer.status !== 401) throw new Error(`GitHub answered ${answer.status}`)
}

post(process.env).catch((error) => {
  warn(`The token was not revoked and stays valid until it expires: ${error.message}`)
})
