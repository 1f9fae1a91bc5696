/** Whether Obex can fetch documents of clients at all; only then is it said to clients. draft-ietf-oauth-client-id-metadata-document §5. */
import type { Log } from '../../observe/log.ts';
import type { MetadataDocuments } from './metadata-documents.ts';

/** Documents of Claude Code, VS Code and Codex: their users are the first whom a promise that is not kept would hit. */
export const KNOWN_DOCUMENTS: readonly string[] = [
  'https://claude.ai/oauth/claude-code-client-metadata',
  'https://vscode.dev/oauth/client-metadata.json',
  'https://chatgpt.com/oauth/codex/client.json',
];

const HOUR_MS = 3_600_000;

export interface DocumentReachParts {
  readonly documents: MetadataDocuments;
  readonly knownDocuments: readonly string[];
  readonly log: Log;
}

/** Clients that are told of documents use nothing else: where there is no way out, they could not log in at all. */
export class DocumentReach {
  readonly #parts: DocumentReachParts;
  #timer: NodeJS.Timeout | undefined;
  #reached = false;

  constructor(parts: DocumentReachParts) {
    this.#parts = parts;
  }

  /** Whether one could be fetched; from then on for good. */
  get reached(): boolean {
    return this.#reached;
  }

  /** Tries now and each hour until one can be fetched, or `stop`. */
  begin(): void {
    if (this.#reached || this.#timer !== undefined) return;
    this.#timer = setInterval(() => void this.#try(), HOUR_MS).unref();
    void this.#try();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #try(): Promise<void> {
    for (const href of this.#parts.knownDocuments) {
      if (!(await this.#isThere(new URL(href)))) continue;
      this.#reached = true;
      this.#parts.log.info('login_documents_reached', { url: href });
      return this.stop();
    }
    this.#parts.log.info('login_documents_not_reached', { meaning: 'clients register instead', next_try_ms: HOUR_MS });
  }

  /** Why not, has been logged with the document. */
  async #isThere(url: URL): Promise<boolean> {
    try {
      return (await this.#parts.documents.find(url)) !== undefined;
    } catch {
      return false;
    }
  }
}
