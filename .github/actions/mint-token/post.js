// After the job: revoke what the step minted. Never fails the job, and is silent when the token is gone.
'use strict'

const { mask, notice, warn } = require('./lib/commands')
const { isTrue } = require('./lib/inputs')
const { revoke } = require('./lib/github')

async function post(env) {
  const token = env.STATE_token
  if (!token || isTrue(env, 'skip-token-revoke')) return
  mask(token)
  if (await revoke(env, token, Number(env.STATE_minted_at))) notice('Token revoked')
}

post(process.env).catch((error) => {
  warn(`The token was not revoked and stays valid until it expires: ${error.message}`)
})
