/** People log in through Obex at Keycloak, Dex, Ory Hydra and Spring Authorization Server, from the URL alone. */
import { fillInLogin } from '../support/browser.ts';
import { describeLogin } from '../support/login-at-idp.ts';
import { DEX_VERSION, startDex } from './dex.ts';
import { HYDRA_VERSION, startHydra } from './hydra.ts';
import { KEYCLOAK_VERSION, startKeycloak } from './keycloak.ts';
import { LOGIN_CLIENT as client, PERSON } from './real-idp.ts';
import { SPRING_VERSION, startSpring } from './spring.ts';

const NOBODYS = { resource: 'https://mcp.example.com/mcp', scopes: [] };
const allowAddress = `allow: { emails: ["${PERSON.email}"] }`;
const allowSubject = `allow: { subjects: ["${PERSON.name}"] }`;

describeLogin({
  name: `Keycloak ${KEYCLOAK_VERSION}`,
  login: `provider: keycloak\n  ${allowAddress}`,
  async start(redirectUrl) {
    const idp = await startKeycloak({ ...NOBODYS, redirectUrl });
    return { ...idp, client, logIn: fillInLogin({ username: PERSON.name, password: PERSON.password }) };
  },
  end: { how: 'a person who was disabled', at: (idp) => idp.disablePerson() },
});

describeLogin({
  name: `Dex ${DEX_VERSION}`,
  login: allowAddress,
  async start(redirectUrl) {
    const idp = await startDex({ redirectUrl });
    return { ...idp, client, logIn: fillInLogin({ login: PERSON.email, password: PERSON.password }) };
  },
  end: { how: 'a later login of the person', at: (_, logInAgain) => logInAgain() },
  onlyLatest: true,
});

describeLogin({
  name: `Ory Hydra ${HYDRA_VERSION}`,
  login: allowSubject,
  user: PERSON.name,
  async start(redirectUrl) {
    const options = { ...NOBODYS, otherResource: NOBODYS.resource, redirectUrl, accessTokens: 'opaque' } as const;
    // There is nothing to fill in.
    return { ...(await startHydra(options)), client, logIn: fillInLogin({}) };
  },
  end: { how: 'a consent that was taken back', at: (idp) => idp.revokeConsent() },
});

describeLogin({
  name: `Spring Authorization Server ${SPRING_VERSION}`,
  login: allowSubject,
  user: PERSON.name,
  async start(redirectUrl) {
    const idp = await startSpring({ ...NOBODYS, redirectUrl, audience: 'client' });
    return { ...idp, client, logIn: fillInLogin({ username: PERSON.name, password: PERSON.password }) };
  },
});
