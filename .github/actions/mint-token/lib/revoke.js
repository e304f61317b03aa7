// The end of a token. GitHub REST: "Revoke an installation access token".
'use strict'

const { Attempts, send } = require('./http')
const { apiUrl } = require('./inputs')

const FRESH_SECONDS = 5

// True when it was revoked, false when GitHub does not know it. To a token made seconds ago 401 may mean that GitHub
// does not know it yet: ask again before it counts as gone.
async function revoke(env, token, mintedAt) {
  const ask = () => send('DELETE', `${apiUrl(env)}/installation/token`, {
    bearer: token,
    headers: { Accept: 'application/vnd.github+json', 'X-GitHub-Api-Version': '2022-11-28' },
    totalSeconds: 20,
  })
  let answer = await ask()
  const attempts = new Attempts(FRESH_SECONDS)
  const fresh = Date.now() - mintedAt < FRESH_SECONDS * 1000
  while (fresh && answer.status === 401 && (await attempts.wait())) answer = await ask()
  if (answer.status === 204) return true
  if (answer.status === 401) return false
  throw new Error(`GitHub answered ${answer.status}`)
}

module.exports = { revoke }
