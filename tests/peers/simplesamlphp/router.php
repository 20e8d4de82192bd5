<?php
// Debian's SimpleSAMLphp under PHP's own web server: /simplesamlphp/SCRIPT.php[/path info], and its pictures and styles.
$root = '/usr/share/simplesamlphp/www';
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (strpos($path, '/simplesamlphp/') !== 0) {
    http_response_code(404);
    return true;
}
$path = substr($path, strlen('/simplesamlphp'));
if (preg_match('#^(/.*?\.php)(/.*)?$#', $path, $parts) && is_file($root . $parts[1])) {
    $_SERVER['SCRIPT_NAME'] = '/simplesamlphp' . $parts[1];
    $_SERVER['SCRIPT_FILENAME'] = $root . $parts[1];
    $_SERVER['PHP_SELF'] = '/simplesamlphp' . $path;
    if (empty($parts[2])) {
        unset($_SERVER['PATH_INFO']);
    } else {
        $_SERVER['PATH_INFO'] = $parts[2];
    }
    chdir(dirname($root . $parts[1]));
    require $root . $parts[1];
    return true;
}
http_response_code(404);
return true;
