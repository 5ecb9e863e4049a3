// An OpenID provider that others wrote (npm oidc-provider, certified), configured for the tests of signing in.
//
// `node provider.mjs '{"url": "http://pages...", "cert": FILE, "key": FILE}'` prints its issuer and answers until
// its standard input ends. Anybody signs in with any password, by its own forms, under the name that is typed.
// POST /control/rotate replaces its signing key, /control/clock?ahead=N sets its clock so many seconds ahead.
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const given = JSON.parse(process.argv[2]);
const require = createRequire(`${given.modules}/`);
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')).href);

const systemNow = Date.now;
let ahead = 0;
Date.now = () => systemNow() + ahead;
console.warn = () => {};

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };
}

const client = {
  redirect_uris: [`${given.url}/sign-in/openid/back`],
  post_logout_redirect_uris: [`${given.url}/sign-in`],
  grant_types: ['authorization_code'],
  response_types: ['code'],
};

function provider(issuer, keys) {
  const one = new Provider(issuer, {
    clients: [
      { ...client, client_id: 'pages', client_secret: 'a secret: of+the/pages' },
      { ...client, client_id: 'public', token_endpoint_auth_method: 'none' },
    ],
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: !given.claims_in_token,
    findAccount: (ctx, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        preferred_username: id,
        email: `${id.split('@')[0]}@mail.example`,
        email_verified: !id.startsWith('unverified'),
        groups: id.startsWith('gov') || id === 'admin' ? ['Governance', 'Staff'] : ['Staff'],
      }),
    }),
    jwks: { keys },
    cookies: { keys: ['of the tests'] },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    pkce: { required: () => true },
    ttl: { AuthorizationCode: 60, IdToken: 120, AccessToken: 120, Session: 600, Interaction: 600, Grant: 600 },
  });
  one.proxy = false;
  return one.callback();
}

const tls = given.cert ? { cert: readFileSync(given.cert), key: readFileSync(given.key) } : null;
let answers;
const server = (tls ? createTlsServer : createServer)(...(tls ? [tls] : []), (request, response) => {
  const asked = new URL(request.url, 'http://of.tests');
  if (asked.pathname === '/control/rotate') {
    answers = provider(issuer, [newKey()]);
    response.end('rotated');
  } else if (asked.pathname === '/control/clock') {
    ahead = 1000 * Number(asked.searchParams.get('ahead'));
    response.end('set');
  } else {
    answers(request, response);
  }
});
let issuer;
server.listen(0, '127.0.0.1', () => {
  issuer = `${tls ? 'https' : 'http'}://${tls ? 'localhost' : '127.0.0.1'}:${server.address().port}`;
  answers = provider(issuer, [newKey()]);
  console.log(issuer);
});
process.stdin.on('end', () => process.exit(0)).resume();
