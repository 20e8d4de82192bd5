// The smallest application that can host the documented @logto/react component for logins that an identity provider starts.
import React, { StrictMode, useEffect } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter, Route, Routes, useNavigate, useSearchParams } from 'react-router-dom';
import { LogtoProvider, Prompt, useHandleSignInCallback, useLogto } from '@logto/react';

const { endpoint, appId, strict } = window.settings;
const redirectUri = `${window.location.origin}/callback`;

// The documented component, unmodified.
const SsoDirectSignIn = () => {
  const { signIn } = useLogto();
  const [searchParams] = useSearchParams();

  useEffect(() => {
    const ssoConnectorId = searchParams.get('ssoConnectorId');
    if (ssoConnectorId) {
      void signIn({
        redirectUri,
        prompt: Prompt.Login,
        directSignIn: {
          method: 'sso',
          target: ssoConnectorId,
        },
      });
    }
  }, [searchParams, signIn]);
};

const Callback = () => {
  const navigate = useNavigate();
  const { error } = useHandleSignInCallback(() => navigate('/'));
  return <p>{error ? `callback failed: ${error.code} ${error.message} ${JSON.stringify(error.data ?? null)}` : 'signing in'}</p>;
};

const Home = () => {
  const logto = useLogto();
  useEffect(() => { window.logto = logto; });
  return <p>{logto.isLoading ? 'loading' : logto.isAuthenticated ? 'you are signed in' : 'you are signed out'}</p>;
};

const tree = (
  <BrowserRouter>
    <LogtoProvider config={{ endpoint, appId, scopes: ['email'] }}>
      <Routes>
        <Route path="/" element={<Home />} />
        <Route path="/callback" element={<Callback />} />
        <Route path="/sso" element={<SsoDirectSignIn />} />
      </Routes>
    </LogtoProvider>
  </BrowserRouter>
);
createRoot(document.querySelector('#app')).render(strict ? <StrictMode>{tree}</StrictMode> : tree);
