// Reads the environment's proxies and certificate authorities, by the rules of the command
// (fullsend/net/route.py). Loopback never goes through a proxy.
'use strict'

const { readFileSync } = require('node:fs')
const { isIP } = require('node:net')

// Only a change on the runner helps, so nothing is repeated.
class RouteError extends Error {
  constructor(message, mintCode) {
    super(message)
    this.final = true
    this.mintCode = mintCode
  }
}

const value = (env, name) => (env[name] ?? env[name.toUpperCase()] ?? '').trim()
const bareHost = (url) => url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
const isLoopback = (host) => /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(host)
const portOf = (url) => Number(url.port) || (url.protocol === 'https:' ? 443 : 80)

// The proxy for a URL as { host, port, authorization }, or undefined.
function proxyFor(url, env) {
  const host = bareHost(url)
  // Attack: a proxy must not see the credential for something on this machine, and cannot reach it.
  if (isLoopback(host) || excluded(host, portOf(url), value(env, 'no_proxy'))) return undefined
  for (const name of [url.protocol === 'https:' ? 'https_proxy' : 'http_proxy', 'all_proxy']) {
    const found = value(env, name)
    if (found) return parsed(found, name.toUpperCase())
  }
  return undefined
}

function parsed(text, name) {
  let proxy
  try {
    proxy = new URL(text.includes('://') ? text : `http://${text}`)
  } catch {
    proxy = undefined
  }
  // The URL may hold a password, so the message does not repeat it.
  if (proxy?.protocol !== 'http:' || !proxy.hostname) {
    const why = `${name} must be a proxy URL, http://host:port; other kinds of proxy do not work`
    throw new RouteError(why, 'proxy_unusable')
  }
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  const authorization = proxy.username ? `Basic ${Buffer.from(user).toString('base64')}` : undefined
  return { host: bareHost(proxy), port: Number(proxy.port) || 80, authorization }
}

function excluded(host, port, list) {
  return list.toLowerCase().split(/[,\s]+/).filter(Boolean).some((entry) => {
    if (entry === '*') return true
    const [, name, wanted] = isIP(entry) ? [entry, entry] : (/^(.*):(\d+)$/.exec(entry) ?? [entry, entry])
    if (wanted && Number(wanted) !== port) return false
    if (isIP(host)) return inNetwork(host, name.replace(/^\[|\]$/g, ''))
    const bare = name.replace(/^\*?\.?/, '')
    return Boolean(bare) && (host === bare || host.endsWith(`.${bare}`))
  })
}

function inNetwork(host, entry) {
  const { BlockList } = require('node:net')
  const [address, bits] = entry.split('/')
  if (!isIP(address) || isIP(address) !== isIP(host)) return false
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
  const list = new BlockList()
  try {
    list.addSubnet(address, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family)
  } catch {
    return false
  }
  return list.check(host, family)
}

// The CA file of the environment, as the command takes it; without one, node's own and NODE_EXTRA_CA_CERTS.
function authorities(env) {
  for (const name of ['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE']) {
    const path = (env[name] ?? '').trim()
    if (!path) continue
    const unreadable = (why) =>
      new RouteError(`${name} names ${JSON.stringify(path)}, which cannot be read (${why})`, 'ca_bundle_unreadable')
    let bundle
    try {
      bundle = readFileSync(path)
    } catch (error) {
      throw unreadable(error.code)
    }
    // With a file without certificates, Node trusts no authority and reports the server's certificate as the fault.
    if (!bundle.includes('-----BEGIN ')) throw unreadable('no certificate in it')
    return bundle
  }
  return undefined
}

module.exports = { RouteError, authorities, bareHost, portOf, proxyFor }
