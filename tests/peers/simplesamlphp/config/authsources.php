<?php
$config = [
    'people' => ['exampleauth:UserPass',
        'alice:alicepass' => ['uid' => ['alice'], 'mail' => ['alice@acme.test'], 'givenName' => ['Alice'], 'sn' => ["Ärmel <&> O'Neil"], 'groups' => ['admin', 'dev']],
        'bob:bobpass' => ['uid' => ['bob'], 'mail' => ['bob@acme.test'], 'givenName' => ['Bob'], 'sn' => ['Bee'], 'groups' => ['dev']],
    ],
];
