/** People log in through Obex at IdPs of Debian, glewlwyd and LemonLDAP::NG, from the URL alone. */
import { fillInLogin } from '../support/browser.ts';
import { generateSigningKey, startGlewlwyd } from '../support/glewlwyd.ts';
import { LOGIN_CLIENT as GLEWLWYD_CLIENT, logInAtGlewlwyd } from '../support/glewlwyd-login.ts';
import { LOGIN_CLIENT as LEMON_CLIENT, PERSON, startLemonLdap } from '../support/lemonldap.ts';
import { describeLogin } from '../support/login-at-idp.ts';

const RESOURCE = 'https://mcp.example.com/mcp';

describeLogin({
  name: 'glewlwyd',
  // It names people by ids of its own, and has no addresses of them. It goes on to confirm a person who was disabled, and
  // what it answers to a refresh token that was taken back has no body.
  login: 'dangerously_allow_everyone: true\n  scopes: [openid]',
  async start(loginRedirectUrl) {
    const key = generateSigningKey('RS256');
    const idp = await startGlewlwyd({ resources: [RESOURCE], scopes: ['mcp:read'], key, loginRedirectUrl });
    return { ...idp, client: GLEWLWYD_CLIENT, logIn: logInAtGlewlwyd };
  },
});

describeLogin({
  name: 'LemonLDAP::NG',
  login: `allow: { subjects: ["${PERSON.user}"] }`,
  user: PERSON.user,
  async start(loginRedirectUrl) {
    const idp = await startLemonLdap({ resource: RESOURCE, scopes: [], loginRedirectUrl });
    return { ...idp, client: LEMON_CLIENT, logIn: fillInLogin(PERSON) };
  },
  end: { how: 'a person whose session was ended', at: (idp) => idp.endSessions() },
});
