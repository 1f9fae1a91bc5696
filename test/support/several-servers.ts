/** One Obex in front of two recording backends, as `servers` names them. */
import { FakeClock } from './fake-clock.ts';
import { bearer, type Cleanup, PUBLIC_URL, startTestObex, type TestObex } from './obex.ts';
import { type RecordingBackend, startRecordingBackend } from './recording-backend.ts';
import { startTestIssuer, type TestIssuer } from './test-issuer.ts';

export const CRM = `${PUBLIC_URL}/crm/mcp`;
export const FILES = `${PUBLIC_URL}/files/mcp`;

export interface SeveralServers {
  readonly obex: TestObex;
  readonly clock: FakeClock;
  readonly issuer: TestIssuer;
  readonly crm: RecordingBackend;
  readonly files: RecordingBackend;
  /** The configuration, with these lines of the two, and at its end. */
  config(more?: SeveralSections): string;
  /** The Authorization field line of a token for a resource. */
  tokenFor(resource: string, claims?: Readonly<Record<string, unknown>>): Promise<string>;
}

export interface SeveralSections {
  /** Keys of the server, indented by four. */
  readonly crm?: string;
  /** Undefined = the server stays as it is; null = there is none. */
  readonly files?: string | null;
  readonly more?: string;
}

export async function startSeveralServers(cleanup: Cleanup, sections: SeveralSections = {}): Promise<SeveralServers> {
  const clock = new FakeClock();
  const [crm, files, issuer] = await Promise.all([
    startRecordingBackend(cleanup),
    startRecordingBackend(cleanup),
    startTestIssuer(cleanup, clock),
  ]);
  const server = (name: string, { port }: RecordingBackend, keys = ''): string =>
    `  ${name}:\n    backend: { url: "http://127.0.0.1:${port}" }\n${keys}`;
  const config = ({ crm: ofCrm, files: ofFiles, more = '' }: SeveralSections = {}): string =>
    `obex: { public_url: "${PUBLIC_URL}", listen: "127.0.0.1:0" }\nidp: { issuer: "${issuer.url}", jwks_uri: "${issuer.jwksUri}" }\n` +
    `servers:\n${server('crm', crm, ofCrm)}${ofFiles === null ? '' : server('files', files, ofFiles)}${more}`;
  const obex = await startTestObex(cleanup, config(sections), clock);
  await obex.event('jwks_fetched');
  const tokenFor = async (aud: string, claims = {}): Promise<string> =>
    bearer(await issuer.token({ claims: { aud, ...claims } }));
  return { obex, clock, issuer, crm, files, config, tokenFor };
}
