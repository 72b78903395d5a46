/** English for signing in: with the browser, or one of the other ways. */

export const signIn = {
  how: 'How do you want to connect?',
  withBrowser: 'Sign in with your browser',
  withToken: 'Use a token',
  advised: 'suits most people',
  unsure: 'Nobody says whether this service offers it. Patchbay asks the service when you connect.',
  makeTitle: 'Sign in or use a token',
  makeAbout: 'You sign in on the service’s own page, when you connect. Patchbay never sees your password.',
  step: 'Sign in or token',
  then: 'Next you choose your apps. Your browser opens when you press Connect.',
  safe: 'Your sign-in is not in any of these files.',
  carried: 'How the sign-in gets there',
  tokenless: 'When you connect, your browser opens and you sign in there.',

  own: {
    title: 'Your client ID',
    about: 'This service lets you sign in only with a client that was registered there.',
    optional: 'I have a client ID of my own',
    id: 'Client ID', secret: 'Client secret', secretHint: 'Kept in your keychain, never in a file.', secretKept: 'Leave it empty to use the one from last time.',
    who: 'Who signs in?', me: 'I do, with my browser', itself: 'The client itself, without a browser',
    open: 'Open the page for it', redirect: 'The service wants an address to come back to. Give it this one:',
    missing: 'Enter the client ID.', secretMissing: 'Enter the client secret.',
  },

  progress: {
    label: 'Signing in',
    asking: 'Asking the service how to sign in',
    browser: 'Waiting for you in the browser',
    fetching: 'Finishing the sign-in',
    checking: 'Trying it out',
    go: 'Sign in on the page that has opened in your browser, then come back here.',
    closed: 'No browser has opened. Copy the address and open it in your browser.',
    again: 'Open the page again', retry: 'Try to open it again', copy: 'Copy the address', stop: 'Cancel signing in',
  },

  dialog: {
    title: (name: string) => `Sign in to ${name}`, again: (name: string) => `Sign in to ${name} again`,
    about: {
      authorization_code: 'Your browser opens the service’s own page. Sign in there, then come back.',
      client_credentials: 'The client signs in by itself. No browser opens.',
      company: 'Your browser opens your company’s own page. Sign in there, then come back.',
      platform: 'Patchbay shows the service what the platform says now. No browser opens.',
    },
    atOnce: 'All your apps use it at once; none has to be restarted.',
    byHand: {
      company: 'This cannot be done here: the secret for your company was deleted when you signed out, and only you can give it again. Run this in a terminal, and enter there what it asks for:',
      platform: 'This cannot be done here: the platform’s proof was handed over by hand, and another one has to be. Run this in a terminal, and give it the new proof there:',
    },
    instead: 'This takes the place of the token. The token stays valid at the service until you revoke it there.',
    needed: 'The sign-in has ended. Your apps cannot use this service until you sign in again.',
    asks: (scopes: string) => `The service asks for more permissions: ${scopes}`,
    do: 'Sign in', useToken: 'Use a token instead',
    done: (name: string) => `You are signed in to ${name}`, doneBad: (name: string, why: string) => `You are signed in to ${name}. ${why}`,
  },

  detail: {
    title: 'Sign-in', titles: 'Tokens and sign-ins', works: 'Signed in', ended: 'Ended', at: 'Since', as: 'As', permissions: 'Permissions',
    you: 'You, with your browser', itself: 'A client, without a browser', company: 'You, through your company', platform: 'The platform that runs Patchbay', voucher: 'By the word of', client: 'Your client ID',
    ends: 'Goes on until you sign out or the service ends it. Nothing has to be renewed.',
    endsCompany: 'Goes on until you sign out, or the service or your company ends it. Nothing has to be renewed.',
    endsFile: 'Goes on as long as the platform keeps its proof in this file up to date.', endsProof: 'Goes on as long as the proof lasts that was handed over. Then another one has to be.',
    again: 'Sign in again', out: 'Sign out', give: 'Sign in', isOut: 'You are signed out.',
    needed: (when: string) => `Ended ${when}: sign in again.`, asks: 'The service asks for more permissions than you gave: sign in again.',
  },

  out: {
    title: (name: string) => `Sign out of ${name}?`,
    about: (apps: string, n: number) => (n === 0 ? 'The sign-in is deleted from here, and ended at the service where it offers that.' : `${apps} cannot use it any more until you sign in again. The sign-in is deleted from here, and ended at the service where it offers that.`),
    confirm: 'Sign out', stay: 'Stay signed in',
    revoked: (name: string) => `You are signed out of ${name}, at the service too`,
    kept: (name: string) => `You are signed out of ${name} here. The service has not said that it ended it too: look in its own settings`,
  },

  addresses: {
    title: 'Signed in without a connection', about: 'Made in a terminal, for an address alone. What uses the address there goes on until you sign out.',
    since: (day: string) => `Since ${day}`, ended: (when: string) => `Ended ${when}. To sign in again, run this in a terminal:`,
    out: 'Sign out', outOf: (url: string) => `Sign out of ${url}`,
    confirm: 'What uses this address in a terminal, or in an app that was set up by hand, cannot until you sign in again. The sign-in is deleted from here, and ended at the service where it offers that.',
  },

  remove: {
    about: 'You are signed out: the sign-in is deleted from here, and ended at the service where it offers that.',
    revoked: (name: string) => `${name} was removed, and the service has ended your sign-in`,
    kept: (name: string) => `${name} was removed. The service did not end your sign-in: look in its own settings`,
  },

  byApps: {
    title: (name: string) => `${name} is set up`,
    about: (apps: string) => `${apps} will ask you to sign in, each in its own way, when it first uses this. No token is involved, and Patchbay has no part in it.`,
    safe: 'There is no token in any of these files.',
    none: 'No token: your apps sign in by themselves.',
  },
};
