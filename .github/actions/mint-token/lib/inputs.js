// The action's inputs, checked. Every problem is a sentence that names the input.
'use strict'

const { ActionError } = require('./errors')

// The runner upper-cases names and turns blanks into underscores; dashes stay.
const input = (env, name) => (env[`INPUT_${name.toUpperCase()}`] ?? '').trim()
const words = (text, separators) => text.split(separators).filter(Boolean)

function isTrue(env, name) {
  const value = input(env, name) || 'false'
  if (/^(true|True|TRUE)$/.test(value)) return true
  if (/^(false|False|FALSE)$/.test(value)) return false
  throw new ActionError(`The input ${name} must be true or false.`)
}

// https anywhere, http on loopback only: over plain http anyone on the way reads the token and uses it.
function credentialUrl(text, what, example, code) {
  const refuse = (why) => new ActionError(`${what} ${why}, for example ${example}`, code)
  let url
  try {
    url = new URL(text)
  } catch {
    throw refuse('is not a URL')
  }
  if (url.username || url.password) throw refuse('must not contain a user name or a password; give the bare URL')
  if (url.search || url.hash) throw refuse('must not have a ? or # part; give the bare URL')
  const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback)) {
    throw refuse('must begin with https:// (http only on a loopback address)')
  }
  return url.href.replace(/\/+$/, '')
}

function readInputs(env) {
  const role = input(env, 'role')
  const urls = words(input(env, 'mint_url'), /\s+/)
  if (!role) throw new ActionError('The input role is empty; name the agent role, for example coder.')
  if (!urls.length) throw new ActionError('The input mint_url is empty.', 'mint_url_invalid')
  isTrue(env, 'skip-token-revoke') // a mistake here is told now, not in the post step
  return {
    role,
    repos: words(input(env, 'repos'), /[\s,]+/),
    mintUrls: urls.map((url) => credentialUrl(url, 'The mint URL', 'https://mint.example.com', 'mint_url_invalid')),
    audience: input(env, 'audience') || 'fullsend-mint',
  }
}

const GITHUB = 'https://api.github.com'
const apiUrl = (env) => credentialUrl(env.GITHUB_API_URL || GITHUB, 'GITHUB_API_URL', GITHUB, 'github_url_invalid')

module.exports = { apiUrl, credentialUrl, isTrue, readInputs }
