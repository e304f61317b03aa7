// The action's inputs, checked. Every problem is a sentence that names the input.
'use strict'

const { checkWritable } = require('./commands')
const { ActionError } = require('./errors')

// The runner upper-cases names and turns blanks into underscores; dashes stay.
const raw = (env, name) => env[`INPUT_${name.toUpperCase()}`] ?? ''
const input = (env, name) => raw(env, name).trim()
const words = (text, separators) => text.split(separators).filter(Boolean)

function isTrue(env, name) {
  const value = input(env, name) || 'false'
  if (/^(true|True|TRUE)$/.test(value)) return true
  if (/^(false|False|FALSE)$/.test(value)) return false
  throw new ActionError(`The input ${name} is ${JSON.stringify(value.slice(0, 80))}. Fix: write true or false.`)
}

const isLoopback = (url) => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)

// https anywhere, http on loopback only: over plain http anyone on the way reads the token and uses it.
// The sentences are those of the command (fullsend/net/urls.py).
function credentialUrl(text, what, example, code) {
  const refuse = (why) => new ActionError(`${what} ${why}, for example ${example}`, code)
  if (!/^[!-~]+$/.test(text)) throw refuse('is empty or has characters that a URL cannot have')
  // The part before an @ may be a password.
  const shown = text.includes('@') ? '' : `'${text.slice(0, 200)}' `
  let url
  try {
    url = new URL(text)
  } catch {
    throw refuse(`${shown}is not a URL`)
  }
  if (url.username || url.password) throw refuse('must not contain a user name or a password; give the bare URL')
  if (url.search || url.hash) throw refuse('must not have a ? or # part; give the bare URL')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url))) {
    throw refuse(`${shown}must begin with https:// (http only on a loopback address)`)
  }
  return url.href.replace(/\/+$/, '')
}

// The repositories as the mint wants them: bare names of one owner, or ['*'] for the whole installation. `.`, the
// default, is the calling repository. An empty value comes from an expression without a value, and is refused.
function repositories(env, targetOrg) {
  const calling = env.GITHUB_REPOSITORY ?? ''
  const refuse = (why) => new ActionError(`The input repos ${why}`, 'invalid_repos')
  const names = words(input(env, 'repos'), /[\s,]+/)
  if (!names.length) {
    throw refuse(
      'is empty. Fix: leave it out for the calling repository, name repositories, for example ' +
      "${{ github.repository }}, or write '*' for everything that the installation has.",
    )
  }
  if (names.includes('*')) {
    if (names.length > 1) throw refuse("mixes '*' with names. Fix: write only '*', or only names.")
    return names
  }
  const owner = targetOrg || calling.split('/')[0]
  return names.map((given) => {
    if (given === '.' && !/^[^/]+\/[^/]+$/.test(calling)) {
      throw refuse('is left out, and GITHUB_REPOSITORY does not name the calling repository. Fix: name repositories.')
    }
    const full = given === '.' ? calling : given
    const shown = JSON.stringify(full.slice(0, 200))
    const slash = full.lastIndexOf('/')
    const [whose, bare] = [full.slice(0, Math.max(slash, 0)), full.slice(slash + 1)]
    // The mint's rule (mintcore/policy/names.py).
    if (!/^[A-Za-z0-9._-]{1,100}$/.test(bare) || /^\.\.?$/.test(bare)) {
      throw refuse(`has ${shown}, which is not a repository's name. Fix: give names such as my-repo or my-org/my-repo.`)
    }
    if (slash < 0) return bare
    // Attack: another owner's repository must not become the caller's own of the same name.
    if (whose.toLowerCase() !== owner.toLowerCase()) {
      throw refuse(
        `names ${full.slice(0, 200)}, which does not belong to ${owner || 'a known owner'}. Fix: give bare names` +
        `${targetOrg ? ` of repositories of ${targetOrg}` : ', or the other organization as target-org'}.`,
      )
    }
    return bare
  })
}

// `contents: read, issues: write`, as actions/create-github-app-token spells them; undefined for `*`, the default.
// An empty value comes from an expression without a value: the whole level could be more than the author meant.
function permissions(env) {
  const refuse = (why) => new ActionError(`The input permissions ${why}`, 'invalid_permissions')
  const found = {}
  const parts = raw(env, 'permissions').split(/[,\n]/).map((part) => part.trim()).filter(Boolean)
  if (!parts.length) {
    throw refuse(
      "has no permission in it. Fix: leave it out, or write '*', for the whole level; or name some, for example " +
      'contents: read.',
    )
  }
  if (parts.length === 1 && parts[0] === '*') return undefined
  for (const text of parts) {
    const [, name, level] = /^([a-z][a-z_]{0,99})\s*[:=]\s*([a-z]{1,20})$/.exec(text) ?? []
    if (!name) throw refuse(`has ${JSON.stringify(text.slice(0, 80))}. Fix: write each as contents: read, or only '*'.`)
    if (Object.hasOwn(found, name) && found[name] !== level) {
      throw refuse(`names ${name} twice with different levels. Fix: name it once.`)
    }
    found[name] = level
  }
  return found
}

// A name, or undefined for `.`, the default. GitHub passes an input that an expression left empty as an empty text,
// like an omitted input without a default. The default shows the difference.
function name(env, input, pattern, what, code) {
  const given = raw(env, input)
  if (given.trim() === '.') return undefined
  if (pattern.test(given.trim())) return given.trim()
  throw new ActionError(`The input ${input} is ${JSON.stringify(given.slice(0, 80))}, which is not ${what}.`, code)
}

function readInputs(env) {
  const role = input(env, 'role')
  const urls = words(input(env, 'mint_url'), /\s+/)
  const targetOrg = name(
    env, 'target-org', /^[A-Za-z0-9][\w-]{0,99}$/,
    "an organization's bare name. Fix: leave it out, or write '.', for the job's own; or write for example my-org",
    'invalid_target_org',
  )
  if (!role) throw new ActionError('The input role is empty. Fix: name the agent role, for example coder.', 'role_required')
  if (!urls.length) throw new ActionError('The input mint_url is empty.', 'mint_url_invalid')
  if (urls.some((url) => url.includes(','))) {
    throw new ActionError(
      'The input mint_url has a comma. Fix: separate several URLs by blanks or newlines.', 'mint_url_invalid',
    )
  }
  isTrue(env, 'skip-token-revoke') // report a mistake here now, not in the post step
  const body = {
    role,
    repos: repositories(env, targetOrg),
    level: name(
      env, 'level', /^[a-z][a-z0-9_-]{0,31}$/,
      "a level's name. Fix: leave it out, or write '.', for the mint's default; or write for example read",
      'invalid_level',
    ),
    permissions: permissions(env),
    target_org: targetOrg,
  }
  return {
    body, // JSON leaves out what is undefined
    mintUrls: urls.map((url) => credentialUrl(url, 'The mint URL', 'https://mint.example.com', 'mint_url_invalid')),
    audience: input(env, 'audience') || 'fullsend-mint',
    waitUsable: isTrue(env, 'wait-usable'),
  }
}

const GITHUB = 'https://api.github.com'

function apiUrl(env) {
  const address = credentialUrl(env.GITHUB_API_URL || GITHUB, 'GITHUB_API_URL', GITHUB, 'github_url_invalid')
  const right = apiInsteadOf(new URL(address))
  if (address === right || isLoopback(new URL(address))) return address
  const what = `GITHUB_API_URL is '${address.slice(0, 200)}', which is not the address of GitHub's API.`
  throw new ActionError(`${what} Fix: Set GITHUB_API_URL to ${right}`, 'github_url_invalid')
}

// As mintcore/settings/service_url.py has it.
function apiInsteadOf({ host, hostname }) {
  if (/^((www|api)\.)?github\.com$/.test(hostname)) return GITHUB
  if (hostname.endsWith('.ghe.com')) return `https://${hostname.startsWith('api.') ? '' : 'api.'}${hostname}`
  return `https://${host}/api/v3`
}

// A token that cannot be delivered or revoked stays valid, so this is checked before anything is sent.
function checkRunner(env) {
  apiUrl(env)
  for (const variable of ['GITHUB_OUTPUT', 'GITHUB_STATE']) {
    if (!env[variable]) {
      throw new ActionError(`${variable} is not set, so the step cannot hand on a token.`, 'runner_variable_missing')
    }
    checkWritable(env, variable)
  }
}

module.exports = { apiUrl, checkRunner, credentialUrl, isLoopback, isTrue, readInputs }
