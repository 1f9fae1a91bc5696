/** What is read of a document, and what must not be. draft-ietf-oauth-client-id-metadata-document §4.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readDocument } from '../../../../src/login/clients/read-document.ts';
import { documentOf } from '../../../support/document-server.ts';

const URL_ = 'https://client.example/client.json';
const URIS = ['http://127.0.0.1/cb', 'http://localhost/cb'];
const NOBODY = { redirectUris: [], name: 'A described client' };

function read(text: string): unknown {
  return readDocument(Buffer.from(text), URL_);
}

describe('draft CIMD §4.1: a document', () => {
  it('gives redirect URIs and a name', () => {
    assert.deepEqual(read(documentOf(URL_)), { redirectUris: URIS, name: 'A described client' });
    assert.deepEqual(read(JSON.stringify({ client_id: URL_, redirect_uris: URIS })), {
      redirectUris: URIS,
      name: undefined,
    });
  });

  it('names its own URL, byte for byte', () => {
    for (const id of [
      undefined,
      null,
      1,
      '',
      `${URL_}/`,
      'https://CLIENT.example/client.json',
      'https://client.example:443/client.json',
    ]) {
      assert.equal(read(documentOf(URL_, { client_id: id })), 'its client_id is not its URL', String(id));
    }
  });

  it('is one JSON object', () => {
    const problem = 'it is not one JSON object with each member once';
    for (const text of [
      '',
      '[]',
      'null',
      '<html>',
      `${documentOf(URL_)}x`,
      `{"client_id":"${URL_}","client_id":"${URL_}"}`,
    ]) {
      assert.equal(read(text), problem, text);
    }
    assert.equal(readDocument(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), URL_), problem);
  });

  it('gives no redirect URI that a code must never go to, and each once', () => {
    const uris = [
      'javascript:alert(1)',
      'http://evil.example/',
      'https://u@a.example/',
      'https://a.example/#f',
      7,
      null,
    ];
    assert.deepEqual(read(documentOf(URL_, { redirect_uris: [...uris, ...URIS, ...URIS] })), {
      redirectUris: URIS,
      name: 'A described client',
    });
    for (const none of [undefined, null, 'https://a.example/', {}]) {
      assert.deepEqual(read(documentOf(URL_, { redirect_uris: none })), NOBODY);
    }
    const many = Array.from({ length: 100 }, (_, index) => `https://a.example/${index}`);
    assert.deepEqual(read(documentOf(URL_, { redirect_uris: many })), {
      redirectUris: many.slice(0, 20),
      name: 'A described client',
    });
  });

  it('shows a name as people can read it', () => {
    for (const [name, shown] of [
      ['A\u202eB', 'A\ufffdB'],
      ['\u200b', undefined],
      [7, undefined],
      [{ de: 'x' }, undefined],
    ] as const) {
      assert.deepEqual(read(documentOf(URL_, { client_name: name })), { redirectUris: URIS, name: shown });
    }
  });
});

describe('draft CIMD §4.1: how the client authenticates', () => {
  it('is not at all, also for one that has keys and can do without', () => {
    for (const change of [
      { token_endpoint_auth_method: undefined },
      { token_endpoint_auth_method: 'none' },
      {
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
        jwks_uri: 'https://client.example/keys',
      },
    ]) {
      assert.deepEqual(read(documentOf(URL_, change)), { redirectUris: URIS, name: 'A described client' });
    }
  });

  it('makes it no client of ours when it insists on keys or secrets', () => {
    for (const change of [
      { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://client.example/keys' },
      { token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_methods_supported: 'none' },
      { token_endpoint_auth_method: 'client_secret_basic' },
      { token_endpoint_auth_method: null },
      { client_secret: 'x' },
      { client_secret_expires_at: 0 },
    ]) {
      assert.deepEqual(read(documentOf(URL_, change)), NOBODY, JSON.stringify(change));
    }
  });
});
