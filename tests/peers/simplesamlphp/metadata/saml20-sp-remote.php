<?php
// Every PEER_RUN/sp/*.xml is a service provider's own metadata; FILE.json beside it holds keys that overrule it (how it signs).
foreach (glob(getenv('PEER_RUN') . '/sp/*.xml') as $file) {
    foreach (\SimpleSAML\Metadata\SAMLParser::parseDescriptorsString(file_get_contents($file)) as $id => $parsed) {
        $metadata[$id] = json_decode(file_get_contents("$file.json"), true) + $parsed->getMetadata20SP();
    }
}
