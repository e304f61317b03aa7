// What the action asks GitHub about its token: is it usable yet, and revoke it. GitHub REST: "Revoke an installation
// access token", "List repositories accessible to the app installation".
'use strict'

const { ActionError } = require('./errors')
const { Attempts, exchange, isRetryable, jsonObject, send } = require('./http')
const { apiUrl } = require('./inputs')

const FRESH_SECONDS = 5
const GITHUB_SECONDS = 20
const HEADERS = { Accept: 'application/vnd.github+json', 'X-GitHub-Api-Version': '2022-11-28' }
// A fresh token is refused with these for a second or more.
const NOT_YET = [401, 403, 404]

// True when it was revoked, false when GitHub does not know it. For a token made seconds ago, 401 may mean that GitHub
// does not know it yet, so the revocation is repeated before the token counts as gone.
async function revoke(env, token, mintedAt) {
  const ask = async () => checked(env, await send('DELETE', `${apiUrl(env)}/installation/token`, {
    bearer: token, headers: HEADERS, totalSeconds: GITHUB_SECONDS, env,
  }))
  let answer = await ask()
  const attempts = new Attempts(FRESH_SECONDS)
  const fresh = Date.now() - mintedAt < FRESH_SECONDS * 1000
  while (fresh && answer.status === 401 && (await attempts.wait())) answer = await ask()
  if (answer.status === 204) return true
  if (answer.status === 401) return false
  throw new Error(`GitHub answered ${answer.status}`)
}

// Returns when GitHub accepts the token.
async function waitUsable(env, token) {
  const attempts = new Attempts(GITHUB_SECONDS)
  for (;;) {
    const reason = await refusal(env, token, attempts.left)
    if (!reason) return
    if (!(await attempts.wait())) {
      throw new ActionError(`GitHub does not accept the new token yet: ${reason}.`, 'github_token_not_usable')
    }
  }
}

async function refusal(env, token, seconds) {
  let answer
  try {
    const url = `${apiUrl(env)}/installation/repositories?per_page=1`
    answer = await exchange('GET', url, { bearer: token, headers: HEADERS, seconds, env })
  } catch (error) {
    return error.message
  }
  if (answer.status === 200) return ''
  if (NOT_YET.includes(answer.status) || isRetryable(answer.status)) return `it answers ${answer.status}`
  throw new ActionError(`GitHub answered ${answer.status} to the new token.`, 'github_token_not_usable')
}

// Another server's 401, of a proxy for example, does not mean that the token is gone.
function checked(env, answer) {
  const refused = answer.status >= 300 && answer.status < 500
  if (refused && typeof jsonObject(answer.text).message !== 'string') {
    throw new Error(`the server at ${apiUrl(env)} does not speak GitHub's API (status ${answer.status})`)
  }
  return answer
}

module.exports = { revoke, waitUsable }
