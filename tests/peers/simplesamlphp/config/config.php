<?php
// SimpleSAMLphp as an identity provider on plain http and loopback. PEER_BASE: its address; PEER_RUN: keys, logs, sessions.
$run = getenv('PEER_RUN');
$config = [
    'baseurlpath' => getenv('PEER_BASE') . '/simplesamlphp/',
    'certdir' => "$run/", 'loggingdir' => "$run/", 'datadir' => "$run/", 'tempdir' => "$run/tmp",
    'metadatadir' => __DIR__ . '/../metadata/',
    'attributenamemapdir' => '/etc/simplesamlphp/attributemap/',
    'secretsalt' => 'for-tests-only', 'auth.adminpassword' => 'for-tests-only',
    'technicalcontact_name' => 'tests', 'technicalcontact_email' => 'na@example.org', 'timezone' => 'UTC',
    'logging.level' => \SimpleSAML\Logger::INFO, 'logging.handler' => 'file', 'logging.logfile' => 'simplesamlphp.log',
    'showerrors' => true, 'errorreporting' => false,
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'admin.checkforupdates' => false,
    'session.cookie.secure' => false, 'session.cookie.samesite' => 'Lax',
    'session.phpsession.cookiename' => 'SimpleSAML', 'session.phpsession.savepath' => "$run/sessions",
    'language.default' => 'en', 'language.available' => ['en'], 'language.cookie.secure' => false,
    'theme.use' => 'default', 'production' => true,
    'trusted.url.domains' => null,
    'metadata.sources' => [['type' => 'flatfile']],
    'store.type' => 'phpsession',
    'authproc.idp' => [], 'authproc.sp' => [],
];
