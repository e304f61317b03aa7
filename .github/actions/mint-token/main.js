// The step itself: OIDC token in, installation token out, into outputs and state.
'use strict'

const { annotateError, mask, notice, saveState, setOutput, warn } = require('./lib/commands')
const { revoke, waitUsable } = require('./lib/github')
const { checkRunner, readInputs } = require('./lib/inputs')
const { mint } = require('./lib/mint')
const { oidcToken } = require('./lib/oidc')

async function main(env) {
  const inputs = readInputs(env)
  checkRunner(env)
  const identity = async (seconds) => {
    const token = await oidcToken(env, inputs.audience, seconds)
    mask(token)
    return token
  }
  const minted = await mint(inputs, identity, env)
  // Mask it before anything can print it, then save it in the state, so post revokes it if a later line fails.
  mask(minted.token)
  await keepForPost(env, minted.token)
  for (const warning of minted.warnings) warn(warning)
  if (inputs.waitUsable) await waitUsable(env, minted.token)
  setOutput(env, 'token', minted.token)
  setOutput(env, 'expires_at', minted.expires_at)
  setOutput(env, 'granted_repos', JSON.stringify(minted.granted_repos))
  setOutput(env, 'granted_permissions', JSON.stringify(minted.granted_permissions))
  const scope = minted.granted_repos.join(', ') || 'the whole installation'
  notice(`Token for role ${inputs.body.role} on ${scope}, expires ${minted.expires_at}`)
}

// The post step revokes only what is saved here.
async function keepForPost(env, token) {
  const mintedAt = Date.now()
  try {
    saveState(env, 'token', token)
    saveState(env, 'minted_at', mintedAt)
  } catch (error) {
    const revoked = await revoke(env, token, mintedAt).catch(() => false)
    const end = revoked ? 'the token was revoked' : 'the token was not revoked and stays valid until it expires'
    const what = `The state of the step cannot be written (${error.code ?? error.message}); ${end}.`
    throw new Error(`${what} Fix: check the runner's disk and the file that GITHUB_STATE names, then run the job again.`)
  }
}

main(process.env).catch((error) => {
  annotateError(error)
  process.exitCode = 1
})
