"""Names of people who do not exist, from many places, each used once."""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from random import Random

_GIVEN = """
    Ada Adaeze Aiko Alejandra Amara Amir Ana Andrei Anika Aoife Arjun Astrid Ayşe Beatriz Björn
    Bogdan Camille Carlos Chidi Chiara Daniel Daria Dilnoza Diego Dmitri Eero Elif Elena Emeka Emma
    Esther Farah Fatima Felix Freya Gabriel Georgi Giulia Grace Hana Hassan Hiroshi Hugo Ibrahim
    Ines Ingrid Isla Iván Jamal Jan Jasmin Jin João Jonas Julia Kaito Kamala Karim Katarzyna Keiko
    Khadija Kofi Kwame Laila Lars Layla Lerato Liam Linh Lucía Luca Lwazi Magnus Mai Malik Marek
    Maria Mateo Maya Mei Mila Minh Mohammed Nadia Naledi Naoko Nia Nikolai Noah Noor Olga Olumide
    Omar Oscar Paolo Petra Pierre Priya Quynh Rafael Rahel Ravi Rosa Ryo Sakura Salma Samuel Sanjay
    Santiago Sara Sefa Sigrid Siti Sofia Soo-jin Stefan Svetlana Tamar Tariq Tea Thabo Thiago Tomás
    Tuan Uche Valentina Viktor Wanjiru Wei Ximena Yara Yasmin Yuki Yusuf Zainab Zara Zoltán Zuri
"""
_FAMILY = """
    Abe Abebe Achebe Adeyemi Ahmed Almeida Andersson Aydın Bajwa Banerjee Barbosa Bauer Bekele
    Bergström Bianchi Botha Brandt Carvalho Castillo Chen Chowdhury Cohen Costa Dang Delgado Demir
    Diallo Dlamini Dubois Eriksen Farouk Fernández Fischer Flores Fofana Fujita García Georgiou
    Gonzalez Grigoryan Gupta Haddad Hansen Hashimoto Hernández Horvat Hughes Huang Ibáñez Ionescu
    Ito Iyer Jansen Jensen Jovanović Kamau Kang Kapoor Karlsson Kaya Keita Khan Khumalo Kim
    Kiplagat Kobayashi Kovács Kowalski Kruger Kumar Laine Larsen Lee Lefebvre Lewis Lin Lopes López
    Mahlangu Mancini Martin Mbeki Mendoza Meyer Moreau Moreno Morris Mwangi Nair Nakamura Nasser
    Ndiaye Nguyen Nielsen Novak Nowak Nunes O'Brien Okafor Okeke Olsen Osei Ortega Park Patel
    Pereira Petrov Pham Popescu Quispe Ramírez Rao Ricci Rojas Rossi Sandoval Santos Sato Schmidt
    Shapiro Sharma Silva Singh Sokolov Sousa Sow Suzuki Takahashi Tanaka Tesfaye Toivonen Torres
    Tran Traoré Ueda Varga Vasquez Virtanen Vos Wang Weber Williams Wójcik Wong Yamamoto Yıldız
    Yılmaz Zhang Zhou Zulu
"""
# Reserved for examples (RFC 2606): nobody is ever written to.
_PROVIDERS = ("example.com", "example.org", "example.net", "mail.example.com", "home.example.org")


@dataclass(frozen=True)
class Name:
    """What somebody is called here, and where they get their mail."""

    username: str
    mailbox: str
    provider: str

    def email(self, tag: str = "") -> str:
        return f"{self.mailbox}{'+' if tag else ''}{tag}@{self.provider}"


class Names:
    """Gives names that are neither taken nor given before; one strand's never meet another's."""

    def __init__(self, random: Random, *, taken: Collection[str], strand: int, strands: int):
        self._random = random
        self._taken = set(taken)
        self._given = [_ascii(name) for name in _GIVEN.split()]
        self._families = [_ascii(name) for name in _FAMILY.split()[strand::strands]]

    def new(self) -> Name:
        choose = self._random.choice
        plain = f"{choose(self._given)}.{choose(self._families)}"
        username, number = plain, 1
        while username in self._taken:
            number += 1
            username = f"{plain}{number}"
        self._taken.add(username)
        return Name(username, username, choose(_PROVIDERS))


def _ascii(name: str) -> str:
    """Return the name as people write it where only plain letters are taken."""
    letters = unicodedata.normalize("NFKD", name.replace("ı", "i").replace("ł", "l"))
    return "".join(letter for letter in letters if letter.isascii() and letter.isalpha()).lower()
