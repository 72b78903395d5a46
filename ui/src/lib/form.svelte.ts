/** A service's form: asks the core about the answers while they are typed, and says only what the user has reached. */
import { asError } from '../backend';
import type { Code } from '../bindings/Code';
import type { Error as CoreError } from '../bindings/Error';
import type { Form } from '../bindings/Form';
import { words } from '../i18n';
import { ask } from './state.svelte';

export interface Answers {
  provider: string;
  settings: Record<string, string>;
  name: string | null;
  expires: string | null;
  scopes: string[];
  token_name: string | null;
}

const PAUSE = 150;

export class LiveForm {
  form = $state.raw<Form | null>(null);
  failed = $state.raw<CoreError | null>(null);
  /** Fields that the user has left, or all after a try to go on. */
  touched = $state<Record<string, boolean>>({});
  all = $state(false);

  #asked: Answers | null = null;
  #latest = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Asks now; an answer that a later question has overtaken is dropped. */
  async resolve(answers: Answers): Promise<Form | null> {
    const mine = ++this.#latest;
    this.#asked = answers;
    clearTimeout(this.#timer);
    try {
      const form = await ask({ type: 'resolve_form', ...answers }, 'form');
      if (mine === this.#latest) this.form = form;
      this.failed = null;
    } catch (thrown) {
      if (mine === this.#latest) this.failed = asError(thrown);
    }
    return mine === this.#latest ? this.form : null;
  }

  /** Asks soon, when the typing rests. */
  soon(answers: Answers): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.resolve(answers), PAUSE);
  }

  error(field: string): CoreError | undefined {
    return this.form?.errors.find((error) => error.field === field);
  }

  /** The sentence under a field, once the user has been there. */
  complaint(field: string, label = ''): string | null {
    const error = this.error(field);
    if (!error || !(this.all || this.touched[field])) return null;
    const empty = error.code === 'setting_invalid' && !this.#asked?.settings[field];
    return label && empty ? words.wizard.details.enter(label) : fieldSentence(error);
  }
}

/** Of these the core says more than one sentence for all. */
const OWN_WORDS: Code[] = ['setting_invalid', 'app_refuses', 'address_has_token', 'proxy_invalid', 'proxy_password_missing', 'certificate_unfit'];

/** A field's sentence: what is wrong with it; for a service's own rules the core's words say more. */
export function fieldSentence(error: CoreError): string {
  const way = wayOut(error);
  const say = way ? error.message.replace(/[^.!?:]$/, '$&.') : error.message;
  return OWN_WORDS.includes(error.code) ? [say, way].join(' ').trim() : words.code[error.code].say;
}

/** The core's way out, unless it is one for the terminal. */
function wayOut({ hint = '' }: CoreError): string {
  return /--|\bpatchbay /.test(hint) ? '' : hint;
}
