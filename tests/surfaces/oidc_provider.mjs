// A certified OpenID provider on a free port of this machine, for `test_oidc_provider.py`.
// Its key set mixes EC, RSA and OKP; each client gets tokens signed with the algorithm that it is named after.
// Reads commands from standard input, one a line, and answers each with one line of JSON.
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { Provider } from 'oidc-provider'

// The provider's advice goes where it is not taken for an answer.
console.info = console.error

const { resource, audience, scopes, grants } = JSON.parse(process.argv[2])
const ALGORITHMS = { ec: 'ES256', rsa: 'RS256', okp: 'EdDSA' }
const fetched = { '/.well-known/openid-configuration': 0, '/jwks': 0 }

const jwk = (kind, options, alg) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }),
  kid: `${alg}-${randomUUID()}`,
  alg,
  use: 'sig',
})
const keys = () => [
  jwk('ed25519', undefined, 'EdDSA'),
  jwk('rsa', { modulusLength: 2048 }, 'RS256'),
  jwk('ec', { namedCurve: 'P-256' }, 'ES256'),
]

let callback
const server = createServer((request, response) => {
  if (request.url in fetched) fetched[request.url] += 1
  callback(request, response)
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const issuer = `http://127.0.0.1:${server.address().port}`

function start(jwks) {
  const provider = new Provider(issuer, {
    jwks: { keys: jwks },
    clients: Object.keys(ALGORITHMS).map((client_id) => ({
      client_id,
      client_secret: 'a secret of this test',
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })),
    enabledJWA: { idTokenSigningAlgValues: Object.values(ALGORITHMS) },
    scopes,
    extraTokenClaims: () => ({ grants }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        getResourceServerInfo: (_ctx, _resource, client) => ({
          scope: scopes.join(' '),
          audience,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 600,
          jwt: { sign: { alg: ALGORITHMS[client.clientId] } },
        }),
      },
    },
  })
  callback = provider.callback()
}

const commands = {
  rotate: () => start(keys()),
  fetched: () => fetched,
}
start(keys())
console.log(JSON.stringify({ issuer }))
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(commands[line]() ?? {}))
}
process.exit()
